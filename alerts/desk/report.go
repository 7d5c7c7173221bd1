package desk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sharpeyes/alerts"
)

const (
	maxReportText = 2000 // characters
	maxPhotos     = 6
	maxKey        = 128 // bytes of an idempotency key
)

// Report takes in an incident. The same Key of the same user again returns the
// first incident, with replayed true; with another content it is a Conflict.
func (d *Desk) Report(ctx context.Context, s alerts.Scope, in ReportInput) (v IncidentView, r Receipt, replayed bool, err error) {
	if err := s.Need(alerts.Report); err != nil {
		return v, r, false, err
	}
	request := fingerprint(in)
	i, err := d.incidentOf(s, in)
	if err != nil {
		return v, r, false, err
	}
	t := d.known.places()
	var code string
	err = d.write(ctx, func(c *change) error {
		object, err := c.recalled(s.User, in.Key, request)
		if err != nil {
			return err
		}
		if replayed = object != ""; replayed {
			// It is the caller's own report, wherever it may act by now.
			var id string
			id, code = d.openReport(object)
			i, err = c.Incident(ctx, alerts.System(), id)
			return err
		}
		if err := locateReport(t, s, &i); err != nil {
			return err
		}
		if err := c.ofAlarm(ctx, s, &i); err != nil {
			return err
		}
		if err := d.number(c, &i); err != nil {
			return err
		}
		i.Hash = ReportHash(i)
		if err := c.AddIncident(i); err != nil {
			return err
		}
		code = newReceiptCode()
		if err := c.AddReceipt(receiptHash(code), i.ID); err != nil {
			return err
		}
		if object, err = d.sealedReport(i.ID, code); err != nil {
			return err
		}
		if err := c.remember(s.User, in.Key, request, object); err != nil {
			return err
		}
		if err := c.emit(alerts.IncidentCreated, i.AreaID, i.AreaPath, i.ID, t.incidentView(i)); err != nil {
			return err
		}
		if err := d.openCase(ctx, c, t, i, in.Against); err != nil {
			return err
		}
		// Who reported is kept with the incident alone.
		return c.audit(alerts.Scope{Role: s.Role}, alerts.AuditReport, "incident/"+i.ID, i.AreaID,
			map[string]string{"number": i.Number, "hash": i.Hash, "direct": strconv.FormatBool(i.Direct)})
	})
	if err != nil {
		return IncidentView{}, Receipt{}, false, err
	}
	return t.incidentView(i), Receipt{Number: i.Number, ReceivedAt: i.ReceivedAt, Hash: i.Hash, Code: code}, replayed, nil
}

// incidentOf checks a report, all but where its place lies.
func (d *Desk) incidentOf(s alerts.Scope, in ReportInput) (alerts.Incident, error) {
	var f faults
	i := alerts.Incident{ID: alerts.NewID(d.now()), Category: in.Category, Direct: in.Direct, Accuracy: in.Accuracy,
		ReporterID: s.User, Channel: channelOf(s), AlertID: in.AlertID, Photos: in.Photos}
	if in.Channel != "" {
		i.Channel = in.Channel
		if !slices.Contains(channelsOf(s), in.Channel) {
			f.add("channel", "must be %s for this account, or left out", orNothing(channelsOf(s)))
		}
	}
	if in.AlertID != "" {
		if i.Channel = alerts.ByAlarm; in.Channel != "" {
			f.add("channel", "must be left out where alert_id is given: it came by an alarm")
		}
	}
	category, ok := d.reportable(in.Category)
	if i.Severity = category.Severity; !ok {
		f.add("category", "is not one of the published categories")
	}
	if in.Direct {
		i.Severity = alerts.Critical
	}
	i.Text = f.lines("text", in.Text, true, maxReportText)
	i.Address = f.line("address", in.Address, false, 200)
	if _, ok := d.known.places().department(in.Against); in.Against != "" && !ok {
		f.add("against", "there is no such department")
	}
	f.between("accuracy_m", in.Accuracy, 0, 1e6)
	i.Point, i.Given, i.System = f.place(in.Lon, in.Lat, in.System)
	if len(in.Photos) > maxPhotos {
		f.add("photos", "has %d photos, at most %d are taken", len(in.Photos), maxPhotos)
	}
	f.key(in.Key)
	return i, f.err()
}

func visible(s string) bool {
	for _, b := range []byte(s) {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return true
}

// channelOf is the way in of a caller who names none.
func channelOf(s alerts.Scope) alerts.Channel {
	switch {
	case s.Machine():
		return alerts.BySystem
	case s.Role == alerts.GridLeader:
		return alerts.ByGridLeader
	case s.Role == alerts.DutyOfficer:
		return alerts.ByOfficer
	}
	return alerts.ByStaff
}

// channelsOf lists what a caller may name.
func channelsOf(s alerts.Scope) []alerts.Channel {
	switch {
	case s.Machine():
		return []alerts.Channel{alerts.WalkIn, alerts.Hotline, alerts.ByResident, alerts.BySystem}
	case s.Role == alerts.DutyOfficer, s.Role == alerts.Leader:
		return []alerts.Channel{alerts.WalkIn, alerts.Hotline, alerts.ByResident}
	case s.Role == alerts.GridLeader:
		return []alerts.Channel{alerts.ByResident}
	}
	return nil
}

func orNothing(list []alerts.Channel) string {
	if len(list) == 0 {
		return "nothing"
	}
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = string(c)
	}
	return strings.Join(names, " or ")
}

// ofAlarm holds an incident that is made of an alarm to one for each.
func (c *change) ofAlarm(ctx context.Context, s alerts.Scope, i *alerts.Incident) error {
	if i.AlertID == "" {
		return nil
	}
	if s.Machine() || s.Role != alerts.DutyOfficer && s.Role != alerts.Leader || !s.Can(alerts.ReadAlerts) {
		return alerts.Errorf(alerts.Forbidden, "incidents are made of alarms by officers and leaders alone")
	}
	_, err := c.Alert(ctx, s, i.AlertID)
	if alerts.KindOf(err) == alerts.NotFound {
		return alerts.InvalidField("alert_id", "there is no such alarm")
	}
	if err != nil {
		return err
	}
	first, err := c.IncidentOfAlert(ctx, alerts.System(), i.AlertID)
	switch {
	case err == nil:
		return alerts.Errorf(alerts.Conflict, "this alarm is incident %s already", first.Number)
	case alerts.KindOf(err) == alerts.NotFound:
		return nil
	}
	return err
}

// locateReport finds the area and grid of a report; the place must lie in the
// scope.
func locateReport(t *town, s alerts.Scope, i *alerts.Incident) error {
	at := t.index.Locate(i.Point)
	a, ok := t.area(at.AreaID)
	message := "the place lies outside this account's areas: report it from an account of that area, or by telephone"
	if !ok {
		message = "the place lies in no area of this town: check the position"
	}
	if !ok || !s.Covers(a.Path) {
		f := faults{{Field: "lon", Message: message}, {Field: "lat", Message: message}}
		return &alerts.Error{Kind: alerts.Invalid, Message: message, Faults: f}
	}
	i.AreaID, i.AreaPath, i.GridID = a.ID, a.Path, at.GridID
	return nil
}

// number dates an incident and gives it the day's next number.
func (d *Desk) number(c *change, i *alerts.Incident) error {
	i.ReceivedAt = c.now
	day := d.NumberPrefix + c.now.In(d.Zone).Format("20060102")
	n, err := c.NextNumber("incident/" + day)
	if err != nil {
		return err
	}
	i.Number = fmt.Sprintf("%s-%06d", day, n)
	return nil
}

// fingerprint tells one request from another: what the reporter sent, photos
// included.
func fingerprint(in ReportInput) string {
	h := sha256.New()
	part := func(s string) { fmt.Fprintf(h, "%d:%s,", len(s), s) }
	number := func(v float64) { part(strconv.FormatFloat(v, 'g', -1, 64)) }
	part(in.Category)
	part(in.Text)
	number(in.Lon)
	number(in.Lat)
	part(string(in.System))
	number(in.Accuracy)
	part(in.Address)
	part(strconv.FormatBool(in.Direct))
	part(in.Against)
	part(string(in.Channel))
	part(in.AlertID)
	for _, p := range in.Photos {
		part(p.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ReportHash is the hash on a receipt: the SHA-256, in hex, of the report as
// JSON in canonical form (RFC 8785: keys sorted, no space between, UTF-8):
//
//	{"address":"...","category":"...","channel":"...","direct":false,"number":"...",
//	 "photos":["<SHA-256 of each original, hex>"],"place":["<lon>","<lat>"],
//	 "received_at":"2026-11-23T08:00:00.000Z","text":"..."}
//
// Place is WGS-84 with exactly 7 decimals, as text; received_at is UTC with
// exactly 3.
func ReportHash(i alerts.Incident) string {
	photos := make([]string, len(i.Photos))
	for n, p := range i.Photos {
		photos[n] = p.SHA256
	}
	degrees := func(v float64) string { return strconv.FormatFloat(v, 'f', 7, 64) }
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// Fields in the order of their keys. A struct of strings always encodes.
	_ = e.Encode(struct {
		Address    string         `json:"address"`
		Category   string         `json:"category"`
		Channel    alerts.Channel `json:"channel"`
		Direct     bool           `json:"direct"`
		Number     string         `json:"number"`
		Photos     []string       `json:"photos"`
		Place      [2]string      `json:"place"`
		ReceivedAt string         `json:"received_at"`
		Text       string         `json:"text"`
	}{i.Address, i.Category, i.Channel, i.Direct, i.Number, photos, [2]string{degrees(i.Point.Lon), degrees(i.Point.Lat)},
		i.ReceivedAt.UTC().Format("2006-01-02T15:04:05.000Z"), i.Text})
	sum := sha256.Sum256(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return hex.EncodeToString(sum[:])
}

// Incidents lists incidents, newest first, with the next page's cursor.
// f.ReporterID may only be the caller's own id: it is "mine". Who may report
// may always read the own reports.
func (d *Desk) Incidents(ctx context.Context, s alerts.Scope, f alerts.IncidentFilter) ([]IncidentView, string, error) {
	mine := f.ReporterID != "" && f.ReporterID == s.User && s.Can(alerts.Report)
	if !mine {
		if err := s.Need(alerts.ReadIncidents); err != nil {
			return nil, "", err
		}
		if f.ReporterID != "" {
			return nil, "", alerts.Errorf(alerts.Forbidden, "who reported an incident is shown to nobody")
		}
	}
	list, next, err := d.store.Incidents(ctx, s, f)
	if err != nil {
		return nil, "", err
	}
	return d.incidentViews(list), next, nil
}

func (d *Desk) incidentViews(list []alerts.Incident) []IncidentView {
	t := d.known.places()
	out := make([]IncidentView, len(list))
	for n, i := range list {
		out[n] = t.incidentView(i)
	}
	return out
}

// Incident returns one incident; that it was opened is in the audit.
func (d *Desk) Incident(ctx context.Context, s alerts.Scope, id string) (IncidentView, error) {
	i, err := d.readable(ctx, s, func(s alerts.Scope) (alerts.Incident, error) { return d.store.Incident(ctx, s, id) })
	if err == nil {
		err = d.Seen(ctx, readerOf(s, i), alerts.AuditRead, "incident/"+i.ID, i.AreaID)
	}
	if err != nil {
		return IncidentView{}, err
	}
	return d.known.places().incidentView(i), nil
}

// PhotoOf returns a photo of an incident that the scope covers; that it was
// opened is in the audit.
func (d *Desk) PhotoOf(ctx context.Context, s alerts.Scope, photo string) (alerts.Photo, error) {
	i, err := d.readable(ctx, s, func(s alerts.Scope) (alerts.Incident, error) { return d.store.IncidentOfPhoto(ctx, s, photo) })
	if err != nil {
		return alerts.Photo{}, err
	}
	for _, p := range i.Photos {
		if p.ID == photo {
			return p, d.Seen(ctx, readerOf(s, i), alerts.AuditRead, "photo/"+photo, i.AreaID)
		}
	}
	return alerts.Photo{}, alerts.Errorf(alerts.NotFound, "there is no such photo")
}

// readable loads an incident that the caller may read: any in the scope; or, in
// it, the own reports and those filed in a case that is in sight.
func (d *Desk) readable(ctx context.Context, s alerts.Scope, load func(alerts.Scope) (alerts.Incident, error)) (alerts.Incident, error) {
	if !s.Can(alerts.Report) {
		if err := s.Need(alerts.ReadIncidents); err != nil {
			return alerts.Incident{}, err
		}
	}
	i, err := load(s)
	if err != nil || s.Can(alerts.ReadIncidents) || s.User != "" && i.ReporterID == s.User {
		return i, err
	}
	none := alerts.Errorf(alerts.NotFound, "there is no such incident")
	l, err := d.store.FilingOf(ctx, i.ID)
	if err == nil {
		_, err = d.store.Case(ctx, s, l.CaseID)
	}
	if err != nil && alerts.KindOf(err) == alerts.NotFound {
		err = none
	}
	if err != nil {
		return alerts.Incident{}, err
	}
	return i, nil
}
