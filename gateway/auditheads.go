package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/audit"
)

const (
	headsEvery = time.Minute // between heads: an end cut off that is younger shows in the database alone
	headTime   = 5 * time.Second
)

// headKeeper notes the audit's newest entry outside the database: when asked,
// each headsEvery, and at the end. Before it notes a head it looks whether the
// one noted last is still in the audit, and says where it is not.
type headKeeper struct {
	reader alerts.AuditReader
	file   *audit.File
	log    *slog.Logger

	stop    chan struct{}
	running sync.WaitGroup
}

// openHeads opens the file of heads in a folder and begins to note.
func openHeads(reader alerts.AuditReader, folder string, log *slog.Logger) (*headKeeper, error) {
	file, err := audit.OpenFile(folder)
	if err != nil {
		return nil, err
	}
	k := &headKeeper{reader: reader, file: file, log: log, stop: make(chan struct{})}
	k.running.Go(k.run)
	return k, nil
}

func (k *headKeeper) run() {
	tick := time.NewTicker(headsEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			k.note()
		case <-k.stop:
			return
		}
	}
}

// close notes the last head.
func (k *headKeeper) close() {
	close(k.stop)
	k.running.Wait()
	k.note()
	if err := k.file.Close(); err != nil {
		k.log.Error("closing the file of audit heads", "err", err)
	}
}

// note notes the newest entry. What goes wrong is logged: the audit itself goes
// on without it, and verify tells what was not noted.
func (k *headKeeper) note() {
	ctx, cancel := context.WithTimeout(context.Background(), headTime)
	defer cancel()
	err := k.file.Note(func() (audit.Head, error) {
		if err := k.check(ctx); err != nil {
			return audit.Head{}, err
		}
		seq, hash, err := k.reader.AuditHead(ctx)
		return audit.Head{Seq: seq, Hash: hash, At: time.Now()}, err
	})
	if err != nil {
		k.log.Error("the newest entry of the audit was not noted outside the database", "err", err)
	}
}

// check looks for the entry that was noted last.
func (k *headKeeper) check(ctx context.Context) error {
	last, ok, err := k.file.Last()
	if err != nil || !ok {
		return err
	}
	found, err := k.reader.AuditFrom(ctx, last.Seq, 1)
	if err != nil {
		return err
	}
	if len(found) == 0 || found[0].Seq != last.Seq || found[0].Hash != last.Hash {
		k.log.Error("the audit was tampered with: an entry that was noted is not in it any more. Stop this gateway, keep its data folder as it is, and run: gateway audit verify",
			"entry", last.Seq, "noted", last.At, "file", audit.HeadsName)
	}
	return nil
}
