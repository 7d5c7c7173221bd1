package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"sharpeyes/alerts"
	"sharpeyes/gateway/config"
	"sharpeyes/streams/camsim"
)

// demoRecord bounds what the demo keeps of its cameras, bytes.
const demoRecord = 4 << 30

// demoCmd runs the simulated town.
type demoCmd struct {
	Listen   string `default:":8080" help:"Address of the dashboard and the API."`
	Data     string `help:"Data folder to keep; default: a temporary one, removed at the end."`
	Cameras  int    `default:"24" help:"How many cameras, with the ids cam000, cam001, ..."`
	Accounts string `help:"File that the accounts are written to, as JSON."`
	Store    string `help:"Keep the town in this PostgreSQL instead of a file, such as postgres://user@host/database." placeholder:"URL"`
	Record   bool   `default:"true" negatable:"" help:"Record the cameras, as far as 4 GiB go; the oldest footage goes first."`
	Source   string `help:"Pull cameras of your own instead of the simulated ones, such as rtsp://host/cam%03d."`
}

// Run builds the town, then serves until the context ends.
func (c demoCmd) Run(ctx context.Context) (err error) {
	if c.Cameras < 1 || c.Cameras > 1000 {
		return fmt.Errorf("--cameras: must be 1 to 1000")
	}
	if c.Source != "" && strings.Contains(fmt.Sprintf(c.Source, 0), "%!") {
		return fmt.Errorf("--source: must hold one place for the camera's number, such as rtsp://host/cam%%03d")
	}
	set := config.Default()
	set.HTTP.Listen = c.Listen
	set.WebRTC.UDPListen, set.WebRTC.TCPListen = ":0", ":0"
	set.Cameras.Networks = append(set.Cameras.Networks, "127.0.0.0/8", "::1/128")
	set.Metrics.Networks = []string{"127.0.0.0/8", "::1/128"}
	set.RTSP.PerHost, set.RTSP.DialRate = 2*c.Cameras, 1000 // all are behind one address, which is no recorder
	set.Record.Bytes, set.Record.Spare = demoRecord, 1<<30
	set.NumberPrefix = "YH-"
	set.Log.Level = "warn"
	set.DataDir, set.Store.URL = c.Data, c.Store
	if c.Data == "" {
		if set.DataDir, err = os.MkdirTemp("", "sharpeyes-demo-"); err != nil {
			return fmt.Errorf("a temporary data folder cannot be made: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(set.DataDir)) }()
	}
	a, err := newApp(set)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.listen(); err != nil {
		return err
	}
	if err := a.openStore(ctx); err != nil {
		return err
	}
	sim, err := c.openCameras()
	if err != nil {
		return err
	}
	if sim != nil {
		a.later(sim.Close) // after the pulls: Ctrl-C is no camera's fault
	}
	accounts, token, err := c.build(ctx, a, sim)
	if err != nil {
		return fmt.Errorf("the demo town: %w", err)
	}
	if c.Accounts != "" {
		first, _ := firstOfEach(accounts)
		raw, err := json.MarshalIndent(first, "", "  ")
		if err == nil {
			err = writeDurable(c.Accounts, append(raw, '\n'), 0o600)
		}
		if err != nil {
			return fmt.Errorf("--accounts: %w", err)
		}
	}
	return a.serve(ctx, func(url string) { c.announce(os.Stdout, url, accounts, token) })
}

// openCameras starts the simulated cameras, unless others are given.
func (c demoCmd) openCameras() (*camsim.Server, error) {
	if c.Source != "" {
		return nil, nil
	}
	cams, err := simulated(c.Cameras)
	if err != nil {
		return nil, err
	}
	s := camsim.New()
	s.Cameras, s.Username, s.Password = cams, "camera", secret()
	if err := s.Open(); err != nil {
		return nil, fmt.Errorf("simulated cameras: %w", err)
	}
	return s, nil
}

// explain adds the first faults of an import to its error.
func explain(err error) error {
	var e *alerts.Error
	if !errors.As(err, &e) || len(e.Faults) == 0 {
		return err
	}
	var b strings.Builder
	for i, f := range e.Faults {
		if i == 20 {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Faults)-i)
			break
		}
		fmt.Fprintf(&b, "\n  row %d, %s: %s", f.Row, f.Field, f.Message)
	}
	return fmt.Errorf("%s%s", e.Message, b.String())
}

// secret makes a password of 96 random bits.
func secret() string {
	var b [12]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// announce prints what a new user needs: the address, the accounts, and how to
// raise an alarm.
func (c demoCmd) announce(w io.Writer, url string, accounts []account, token string) {
	fmt.Fprintf(w, "\nSharp Eyes demo / 雪亮网关演示: %s\n\n", url)
	first, others := firstOfEach(accounts)
	table := func(list []account) {
		t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		fmt.Fprintln(t, "  role\tuser\tpassword\twho")
		for _, a := range list {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", a.Role, a.Username, a.Password, a.name)
		}
		_ = t.Flush()
	}
	table(first)
	fmt.Fprint(w, "\nOther centres and departments / 其他中心与部门:\n")
	table(others)
	fmt.Fprintf(w, "\nRaise an alarm as a camera would / 模拟摄像机告警:\n  curl -X POST %s/api/v1/hooks/alarms -H 'Authorization: Bearer %s' \\\n"+
		"    -H 'Content-Type: application/json' -d '{\"camera_id\":\"cam000\",\"kind\":\"fire\",\"severity\":\"critical\",\"text\":\"疑似明火\"}'\n", url, token)
	fmt.Fprintf(w, "\nCtrl-C ends everything / 按 Ctrl-C 结束\n\n")
}
