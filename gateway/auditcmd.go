package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"sharpeyes/alerts/audit"
	"sharpeyes/alerts/store"
	"sharpeyes/gateway/config"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Read the whole audit and say whether an entry was edited, deleted, reordered or cut off. Ends with 0 where it is whole, 2 where it is not, 1 where it could not be read."`
}

// auditVerifyCmd verifies the audit; the gateway may be running.
type auditVerifyCmd struct {
	Data   string `help:"Data folder of a gateway." type:"path" xor:"where"`
	Config string `help:"YAML file with the settings of a gateway." type:"path" xor:"where"`
	Heads  string `help:"A copy of the file of heads that was kept elsewhere, instead of the gateway's own." type:"path"`
}

// exitWith is an error that ends the process with a code of its own.
type exitWith struct {
	code int
	error
}

// Run verifies.
func (c auditVerifyCmd) Run(ctx context.Context) error {
	set, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return err
	}
	if c.Data != "" {
		set.DataDir, set.Audit.HeadDir = c.Data, ""
	}
	return verifyAudit(ctx, set, c.Heads, os.Stdout)
}

// verifyAudit writes what is found. The error of an audit that is not whole has
// the code 2.
func verifyAudit(ctx context.Context, set config.Config, headsFile string, out io.Writer) error {
	where, err := storeOptions(set)
	if err != nil {
		return err
	}
	if headsFile == "" {
		headsFile = filepath.Join(headDir(set), audit.HeadsName)
	}
	// Before the audit is read: what is noted meanwhile is of entries that may
	// not be read.
	heads, err := openNoted(headsFile)
	if err != nil {
		return err
	}
	defer func() { _ = heads.Close() }()
	l, err := store.OpenAudit(ctx, where)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	numbers, err := l.Numbers(ctx)
	if err != nil {
		return err
	}
	report, err := audit.Verify(ctx, l, numbers, heads.reader())
	if err != nil {
		return err
	}
	return tell(out, report, headsFile)
}

// tell writes a report.
func tell(out io.Writer, r audit.Report, headsFile string) error {
	const when = "2006-01-02 15:04:05 MST"
	for _, f := range r.Findings {
		fmt.Fprintf(out, "%s: %s\n", f.Kind, f.Text)
	}
	if r.More > 0 {
		fmt.Fprintf(out, "and %d more\n", r.More)
	}
	read := "The audit has no entry"
	if r.Entries > 0 {
		read = fmt.Sprintf("%d entries were read, the last is entry %d of %s", r.Entries, r.Last.Seq, r.Last.At.UTC().Format(when))
	}
	noted := "no head was compared"
	if r.Newest.Seq > 0 {
		noted = fmt.Sprintf("the newest head that fits is entry %d, noted on %s", r.Newest.Seq, r.Newest.At.Format(when))
	}
	if _, err := fmt.Fprintf(out, "%s; %s (%d heads in %s).\n", read, noted, r.Heads, headsFile); err != nil {
		return err
	}
	if !r.Whole() {
		return exitWith{2, fmt.Errorf("the audit is not whole; findings: %d", len(r.Findings)+r.More)}
	}
	_, err := fmt.Fprintln(out, "The audit is whole.")
	return err
}

// headDir is where heads are noted.
func headDir(set config.Config) string {
	if set.Audit.HeadDir != "" {
		return set.Audit.HeadDir
	}
	return set.DataDir
}

// notedFile is the file of heads up to its size when it was opened, or none.
type notedFile struct {
	f    *os.File
	size int64
}

func openNoted(name string) (notedFile, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return notedFile{}, nil
	}
	if err != nil {
		return notedFile{}, fmt.Errorf("the file of heads %s cannot be read: %w", name, plain(err))
	}
	info, err := f.Stat()
	if err != nil {
		return notedFile{}, errors.Join(err, f.Close())
	}
	return notedFile{f, info.Size()}, nil
}

func (n notedFile) reader() io.Reader {
	if n.f == nil {
		return nil
	}
	return io.NewSectionReader(n.f, 0, n.size)
}

// Close closes the file.
func (n notedFile) Close() error {
	if n.f == nil {
		return nil
	}
	return n.f.Close()
}
