package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/streams"
	"sharpeyes/streams/clip"
	"sharpeyes/streams/mark"
	"sharpeyes/streams/record"
)

// cutPin is how long a range that is being cut is kept at the most: a crash leaves
// its pin behind.
const cutPin = 6 * time.Hour

// openEvidence puts the record, the objects and the key behind the desk.
func (a *app) openEvidence(ctx context.Context, rec *record.Recorder) (err error) {
	d := a.desk
	if d.Signer, err = a.data.evidenceKey(); err != nil {
		return err
	}
	if d.Node, err = a.data.nodeName(); err != nil {
		return err
	}
	d.Nodes = a.set.Store.URL != ""
	e := a.set.Evidence
	d.Objects, d.Photos, d.Marker = a.objects, a.photos, marker{a.set.Transcode.FFmpeg}
	d.Holds.Before, d.Holds.After, d.Holds.Expire, d.Holds.Release = e.HoldBefore, e.HoldAfter, e.HoldExpire, e.HoldRelease
	if rec != nil {
		d.Clipper = footage{rec, d.Clock}
	}
	if err := a.chainBacklog(ctx); err != nil {
		return err
	}
	return d.StartCutting(ctx, func(err error) { a.log.Warn("evidence", "error", err) })
}

// chainBacklog is done before a door opens: once, after the update that made photos
// pieces of evidence.
func (a *app) chainBacklog(ctx context.Context) error {
	n, err := a.desk.ChainBacklog(ctx)
	if n > 0 {
		a.log.Info("photos and files of cases were taken into their chains of evidence", "cases", n)
	}
	return err
}

// evidenceKey returns the key that packages are signed with; it is made on the first
// start and never leaves the folder.
func (d *dataDir) evidenceKey() (ed25519.PrivateKey, error) {
	file := d.file("evidence.key")
	seed, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			return nil, err
		}
		return key, writeDurable(file, key.Seed(), 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("the key file %s cannot be read: %w", file, plain(err))
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("the key file %s is damaged: it must hold %d bytes. Restore it from a backup: packages that were signed with it are checked by its public key",
			file, ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// maxHostPart bounds what of a host's name is in a node's.
const maxHostPart = 32

// nodeName is this node's name among those on one store: the host's, which people
// know, and a part made on the first start, so that hosts of one name differ. It
// fits into an object's key.
func (d *dataDir) nodeName() (string, error) {
	file := d.file("node")
	own, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		id := alerts.NewID(time.Now())
		own = []byte(id[len(id)-8:])
		err = writeDurable(file, own, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("the file %s with this node's name: %w", file, plain(err))
	}
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(host))
	name := fmt.Sprintf("%.*s-%s", maxHostPart, host, bytes.TrimSpace(own))
	if err := alerts.CheckObjectKey("x/x-" + name); err != nil || len(own) > maxHostPart {
		return "", fmt.Errorf("the file %s is damaged: it must hold a few lower case letters and digits, or not be there", file)
	}
	return name, nil
}

// footage shows the record to the desk.
type footage struct {
	rec *record.Recorder
	now alerts.Clock
}

// Cut implements desk.Clipper.
func (f footage) Cut(ctx context.Context, camera, profile string, from, to time.Time, take func(desk.Clip) error) (err error) {
	pin, err := f.rec.Pin(camera, from, to, f.now().Add(cutPin), "a clip is being cut")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.rec.Unpin(pin)) }()
	cuts, err := clip.Plan(ctx, f.rec, camera, streams.Profile(profile), from, to)
	switch {
	case errors.Is(err, clip.ErrNothing):
		return alerts.Errorf(alerts.NotFound, "nothing was recorded of camera %s in this time", camera)
	case errors.Is(err, clip.ErrTooMany):
		return alerts.Errorf(alerts.TooLarge, "camera %s: %v", camera, err)
	case errors.Is(err, clip.ErrGone), errors.Is(err, clip.ErrDamaged):
		return &alerts.Error{Kind: alerts.Unavailable, Message: "camera " + camera + ": " + err.Error(), Err: err}
	case err != nil:
		return err
	}
	for _, c := range cuts {
		shown := footageOf(c.Info)
		if offset, _, ok := f.rec.ClockOffset(camera, streams.Profile(profile), c.Info.From); ok {
			ms := offset.Milliseconds()
			shown.OffsetMS = &ms
		}
		if err := take(desk.Clip{Footage: shown, Bytes: c.Bytes, MediaType: "video/mp4", Write: c.Write}); err != nil {
			return err
		}
	}
	return nil
}

func footageOf(i clip.Info) alerts.Footage {
	f := alerts.Footage{ActualFrom: micro(i.From), ActualTo: micro(i.To), Frames: i.Frames, Codec: i.Video, Width: i.Width, Height: i.Height, Lost: i.Lost,
		Gaps: []alerts.FootageGap{}, Losses: []alerts.FootageLoss{}}
	if i.Audio != "" {
		f.Codec += "+" + i.Audio
	}
	for _, g := range i.Gaps {
		f.Gaps = append(f.Gaps, alerts.FootageGap{From: micro(g.From), To: micro(g.To), Cause: g.Cause.String()})
	}
	for _, l := range i.Losses {
		f.Losses = append(f.Losses, alerts.FootageLoss{At: micro(l.At), MS: l.For.Milliseconds()})
	}
	return f
}

// micro is what the store keeps of a time.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Pin implements desk.Clipper.
func (f footage) Pin(camera string, from, to, until time.Time, why string) (string, error) {
	return f.rec.Pin(camera, from, to, until, why)
}

// Unpin implements desk.Clipper.
func (f footage) Unpin(id string) error { return f.rec.Unpin(id) }

// marker makes copies with ffmpeg.
type marker struct{ ffmpeg string }

// Mark implements desk.Marker.
func (m marker) Mark(ctx context.Context, in io.Reader, k desk.Marking, out io.Writer) error {
	boxes := make([]mark.Box, len(k.Boxes))
	for i, b := range k.Boxes {
		boxes[i] = mark.Box(b)
	}
	err := mark.Copy(ctx, in, out, mark.Options{FFmpeg: m.ffmpeg, Lines: k.Lines, Label: k.Label, Boxes: boxes})
	if errors.Is(err, mark.ErrNoFFmpeg) || errors.Is(err, mark.ErrNoFont) {
		return &alerts.Error{Kind: alerts.Unavailable, Message: err.Error(), Err: err}
	}
	return err
}
