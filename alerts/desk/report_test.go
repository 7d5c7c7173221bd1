package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func TestReport(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	s := as(alerts.GridLeader, "v1")
	in := report("v1")
	in.Text = "  line one\r\nline two <b>\u2028end \n"
	in.Photos = []alerts.Photo{{ID: "p1", SHA256: "aa"}, {ID: "p2", SHA256: "bb"}}
	i, receipt, replayed, err := o.Report(ctx, s, in)
	if err != nil || replayed {
		t.Fatal(err, replayed)
	}
	if i.Number != "LH-20261123-000001" || i.Severity != alerts.High || i.AreaID != "v1" || i.AreaName != "一村" || i.GridID != "g1a" ||
		i.GridName != "1a" || i.Channel != alerts.ByGridLeader || i.Text != "line one\nline two <b>\nend" || i.Direct {
		t.Errorf("incident: %+v", i)
	}
	if want := base.Truncate(time.Millisecond); !i.ReceivedAt.Equal(want) || receipt.Number != i.Number || !receipt.ReceivedAt.Equal(want) || receipt.Hash != i.Hash || !receiptPattern.MatchString(receipt.Code) {
		t.Errorf("receipt: %+v", receipt)
	}
	if i.Photos[1].URL != "/api/v1/photos/p2" || i.Photos[1].ThumbURL != "/api/v1/photos/p2?size=thumb" {
		t.Errorf("photos: %+v", i.Photos)
	}
	// The hash as somebody with the receipt and the report works it out.
	canonical := `{"address":"河边路","category":"hazard.gas","channel":"grid_leader","direct":false,"number":"LH-20261123-000001",` +
		`"photos":["aa","bb"],"place":["117.0250000","31.0500000"],"received_at":"2026-11-23T15:59:00.123Z",` +
		`"text":"line one\nline two <b>\nend"}`
	sum := sha256.Sum256([]byte(canonical))
	if i.Hash != hex.EncodeToString(sum[:]) {
		t.Errorf("hash %s is not that of %s", i.Hash, canonical)
	}
	stored := ok[alerts.Incident](t)(o.store.Incident(ctx, alerts.System(), i.ID))
	if stored.ReporterID != s.User || ReportHash(stored) != i.Hash {
		t.Errorf("stored: %+v", stored)
	}
	if len(o.bus.sent) != 2 || o.bus.sent[0].Kind != alerts.IncidentCreated || o.bus.sent[0].Seq != 1 ||
		o.bus.sent[0].AreaPath != paths["v1"] || string(o.bus.sent[0].Data) != asJSON(t, i) {
		t.Errorf("events: %+v", o.bus.sent)
	}
	// Midnight is the town's, not Greenwich's.
	o.clock.add(2 * time.Minute)
	in = report("v1")
	in.Direct = true
	i, _, _, err = o.Report(ctx, as(alerts.DutyOfficer, "city"), in)
	if err != nil || i.Number != "LH-20261124-000001" || i.Severity != alerts.Critical || !i.Direct || i.Channel != alerts.ByOfficer {
		t.Errorf("direct report: %+v %v", i, err)
	}
	i, _, _, err = o.Report(ctx, as(alerts.Handler, "east"), report("v3"))
	if err != nil || i.Number != "LH-20261124-000002" || i.Channel != alerts.ByStaff || i.GridID != "g3" {
		t.Errorf("handler's report: %+v %v", i, err)
	}
}

func TestReportRefused(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	s := as(alerts.GridLeader, "east")
	for name, c := range map[string]struct {
		change func(*ReportInput)
		fields []string
	}{
		"category":        {func(in *ReportInput) { in.Category = "gossip" }, []string{"category"}},
		"no text":         {func(in *ReportInput) { in.Text = " \n " }, []string{"text"}},
		"long text":       {func(in *ReportInput) { in.Text = strings.Repeat("火", 2001) }, []string{"text"}},
		"NUL":             {func(in *ReportInput) { in.Text = "a\x00b" }, []string{"text"}},
		"escape":          {func(in *ReportInput) { in.Text = "a\x1b[2Jb" }, []string{"text"}},
		"turned text":     {func(in *ReportInput) { in.Text = "a\u202eb" }, []string{"text"}},
		"not UTF-8":       {func(in *ReportInput) { in.Text = "a\xffb" }, []string{"text"}},
		"address lines":   {func(in *ReportInput) { in.Address = "a\nb" }, []string{"address"}},
		"long address":    {func(in *ReportInput) { in.Address = strings.Repeat("x", 201) }, []string{"address"}},
		"NaN":             {func(in *ReportInput) { in.Lon = math.NaN() }, []string{"lon"}},
		"infinite":        {func(in *ReportInput) { in.Lat = math.Inf(1) }, []string{"lat"}},
		"both":            {func(in *ReportInput) { in.Lon, in.Lat = 181, -91 }, []string{"lon", "lat"}},
		"system":          {func(in *ReportInput) { in.System = "mars" }, []string{"system"}},
		"accuracy":        {func(in *ReportInput) { in.Accuracy = -1 }, []string{"accuracy_m"}},
		"no town":         {func(in *ReportInput) { in.Lon = 10 }, []string{"lon", "lat"}},
		"another county":  {func(in *ReportInput) { in.Lon = middles["v4"].Lon }, []string{"lon", "lat"}},
		"null island":     {func(in *ReportInput) { in.Lon, in.Lat = 0, 0 }, []string{"lon", "lat"}},
		"photos":          {func(in *ReportInput) { in.Photos = make([]alerts.Photo, 7) }, []string{"photos"}},
		"key":             {func(in *ReportInput) { in.Key = "a b" }, []string{"Idempotency-Key"}},
		"long key":        {func(in *ReportInput) { in.Key = strings.Repeat("k", 129) }, []string{"Idempotency-Key"}},
		"several at once": {func(in *ReportInput) { in.Category, in.Text = "", "" }, []string{"category", "text"}},
	} {
		in := report("v1")
		c.change(&in)
		_, _, _, err := o.Report(ctx, s, in)
		wantFault(t, err, name, c.fields...)
	}
	if _, newest, _ := o.store.Seqs(ctx); newest != 0 || len(o.bus.sent) != 0 {
		t.Errorf("a refused report left %d events", newest)
	}
	in := report("v1")
	in.Text = strings.Repeat("火", 2000)
	if _, _, _, err := o.Report(ctx, s, in); err != nil {
		t.Errorf("2,000 characters: %v", err)
	}
}

func TestReportKey(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	s := as(alerts.GridLeader, "v1")
	in := report("v1")
	in.Key = "key-1"
	in.Photos = []alerts.Photo{{ID: "p1", SHA256: "aa"}}
	first, receipt, _, err := o.Report(ctx, s, in)
	if err != nil {
		t.Fatal(err)
	}
	o.clock.add(time.Hour)
	in.Photos = []alerts.Photo{{ID: "p2", SHA256: "aa"}} // kept again, the same original
	again, receipt2, replayed, err := o.Report(ctx, s, in)
	if err != nil || !replayed || asJSON(t, again) != asJSON(t, first) || receipt2 != receipt {
		t.Fatalf("replay: %+v %v %v", again, replayed, err)
	}
	if _, newest, _ := o.store.Seqs(ctx); newest != 2 || len(o.bus.sent) != 2 {
		t.Errorf("a replay made an event")
	}
	for name, change := range map[string]func(*ReportInput){
		"text": func(in *ReportInput) { in.Text += "!" }, "place": func(in *ReportInput) { in.Lon += 1e-6 },
		"direct": func(in *ReportInput) { in.Direct = true }, "photo": func(in *ReportInput) { in.Photos[0].SHA256 = "bb" },
		"no photo": func(in *ReportInput) { in.Photos = nil }, "category": func(in *ReportInput) { in.Category = "opinion.other" },
		"address": func(in *ReportInput) { in.Address = "" }, "accuracy": func(in *ReportInput) { in.Accuracy = 1 },
	} {
		other := in
		other.Photos = append([]alerts.Photo(nil), in.Photos...)
		change(&other)
		_, _, _, err := o.Report(ctx, s, other)
		wantKind(t, err, alerts.Conflict, "the key with another "+name)
	}
	if i, _, replayed, err := o.Report(ctx, as(alerts.GridLeader, "t1"), ReportInput{Category: in.Category, Text: in.Text, Lon: in.Lon,
		Lat: in.Lat, Key: "key-1"}); err != nil || replayed || i.ID == first.ID {
		t.Errorf("the same key of another user: %v %v", replayed, err)
	}

	in.Key = "key-2"
	var mu sync.Mutex
	ids, fresh := map[string]bool{}, 0
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			in := in
			in.Photos = []alerts.Photo{{ID: fmt.Sprint("q", n), SHA256: "aa"}}
			i, _, replayed, err := o.Report(ctx, s, in)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			ids[i.ID] = true
			if !replayed {
				fresh++
			}
		})
	}
	wg.Wait()
	if len(ids) != 1 || fresh != 1 {
		t.Errorf("20 at once made %d incidents, %d fresh", len(ids), fresh)
	}
}

func TestSnapshot(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	s := as(alerts.DutyOfficer, "city")
	ok[CameraView](t)(o.CreateCamera(ctx, alerts.System(), camera("cam1", "v1")))
	if _, _, _, err := o.Report(ctx, s, report("v1")); err != nil {
		t.Fatal(err)
	}
	o.clock.add(25 * time.Hour)
	if _, _, _, err := o.Report(ctx, s, report("v3")); err != nil {
		t.Fatal(err)
	}
	snap := ok[Snapshot](t)(o.Snapshot(ctx, s))
	if snap.Seq != 5 || len(snap.Cameras) != 1 || len(snap.Incidents) != 1 || snap.Incidents[0].AreaID != "v3" {
		t.Errorf("snapshot: %+v", snap)
	}
	if strings.Contains(asJSON(t, snap), "10.0.0.9") {
		t.Error("a snapshot shows a camera's address")
	}
	if snap := ok[Snapshot](t)(o.Snapshot(ctx, as(alerts.Handler, "city"))); len(snap.Incidents) != 0 || len(snap.Cameras) != 1 {
		t.Errorf("a handler's snapshot: %+v", snap)
	}
	if snap := ok[Snapshot](t)(o.Snapshot(ctx, alerts.Scope{})); len(snap.Cameras)+len(snap.Incidents)+len(snap.Alerts) != 0 {
		t.Errorf("nobody's snapshot: %+v", snap)
	}
	var event struct{ Data json.RawMessage }
	if err := json.Unmarshal([]byte(asJSON(t, o.bus.sent[0])), &event); err != nil {
		t.Error(err)
	}
}
