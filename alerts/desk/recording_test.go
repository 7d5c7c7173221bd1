package desk

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func TestPlanOfRecording(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	admin := as(alerts.Admin, "city")
	in := camera("cam1", "v1")
	v := ok[CameraView](t)(o.CreateCamera(ctx, admin, in))
	if want := (RecordView{Mode: alerts.RecordOff, Profiles: []string{"main"}, Before: 30, After: 60}); !reflect.DeepEqual(v.Record, want) {
		t.Errorf("a new camera: %+v", v.Record)
	}
	change := func(r RecordInput) (CameraView, error) {
		return o.ChangeCamera(ctx, admin, "cam1", CameraPatch{Record: &r})
	}
	week := []alerts.RecordTime{{Days: []int{5, 1, 2, 3, 4, 5}, From: "08:00", To: "18:00"}, {Days: []int{6, 7}, From: "22:00", To: "06:00"}}
	v = ok[CameraView](t)(change(RecordInput{Mode: ptr(alerts.RecordSchedule), Schedule: &week, After: ptr(0)}))
	want := RecordView{Mode: alerts.RecordSchedule, Profiles: []string{"main"}, Before: 30, Schedule: []alerts.RecordTime{
		{Days: []int{1, 2, 3, 4, 5}, From: "08:00", To: "18:00"}, {Days: []int{6, 7}, From: "22:00", To: "06:00"}}}
	if !reflect.DeepEqual(v.Record, want) {
		t.Errorf("by schedule: %+v", v.Record)
	}
	// What is left out stays.
	if v = ok[CameraView](t)(change(RecordInput{Before: ptr(10)})); v.Record.Mode != alerts.RecordSchedule || v.Record.Before != 10 || len(v.Record.Schedule) != 2 {
		t.Errorf("after a change of one field: %+v", v.Record)
	}
	for field, r := range map[string]RecordInput{
		"record.mode":             {Mode: ptr(alerts.RecordMode("never"))},
		"record.profiles":         {Mode: ptr(alerts.RecordAlways), Profiles: &[]string{"third"}},
		"record.schedule":         {Schedule: &[]alerts.RecordTime{}},
		"record.schedule[0].days": {Schedule: &[]alerts.RecordTime{{Days: []int{0}, From: "08:00", To: "09:00"}}},
		"record.schedule[0].from": {Schedule: &[]alerts.RecordTime{{Days: []int{1}, From: "24:00", To: "09:00"}}},
		"record.schedule[0].to":   {Schedule: &[]alerts.RecordTime{{Days: []int{1}, From: "08:00", To: "9:00"}}},
		"record.before_s":         {Before: ptr(301)},
		"record.after_s":          {After: ptr(-1)},
		"record.bytes":            {Bytes: ptr(int64(1 << 30))}, // of a public place
	} {
		_, err := change(r)
		wantFault(t, err, field, field)
	}
	_, err := change(RecordInput{Bytes: ptr(int64(-1))})
	wantFault(t, err, "a negative limit", "record.bytes")
	// The sub stream has to be there.
	_, err = change(RecordInput{Profiles: &[]string{"sub", "main"}})
	wantFault(t, err, "a sub stream that is not there", "record.profiles")
	v = ok[CameraView](t)(o.ChangeCamera(ctx, admin, "cam1", CameraPatch{SubURL: ptr("rtsp://10.0.0.9:554/sub"),
		Record: &RecordInput{Profiles: &[]string{"sub", "main"}, Mode: ptr(alerts.RecordAlways)}, Username: ptr(""), Password: ptr("")}))
	if !reflect.DeepEqual(v.Record.Profiles, []string{"main", "sub"}) {
		t.Errorf("profiles %v", v.Record.Profiles)
	}
	_, err = o.ChangeCamera(ctx, admin, "cam1", CameraPatch{SubURL: ptr("")})
	wantFault(t, err, "taking away what is recorded", "record.profiles")
	// Fewer days than the law has, said with the reason.
	_, err = o.ChangeCamera(ctx, admin, "cam1", CameraPatch{Retention: ptr(29)})
	wantFault(t, err, "29 days", "retention_days")
	if !strings.Contains(err.Error(), "public") {
		t.Errorf("the reason is not given: %v", err)
	}
	v = ok[CameraView](t)(o.ChangeCamera(ctx, admin, "cam1", CameraPatch{Class: ptr(alerts.PrivateCamera), Retention: ptr(7), Record: &RecordInput{Bytes: ptr(int64(1 << 30))}}))
	if v.Record.Bytes != 1<<30 || v.Retention != 7 {
		t.Errorf("a private camera: %+v", v)
	}
	_, err = o.ChangeCamera(ctx, admin, "cam1", CameraPatch{Class: ptr(alerts.PublicCamera)})
	wantFault(t, err, "a public place with 7 days and a limit", "retention_days", "record.bytes")
	on, _, err := o.PullSpecs(ctx)
	if err != nil || len(on) != 1 || on[0].Record.Mode != alerts.RecordAlways || on[0].Retention != 7 || on[0].Class != alerts.PrivateCamera {
		t.Errorf("for the recorder: %+v %v", on, err)
	}
}

func TestPlanInSheets(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	const head = "id,name,area_id,lon,lat,class,main_url,sub_url,录像模式,record_profiles,record_schedule,record_before_s,record_after_s,record_bytes\n"
	const row = "a,东门,v1,117.01,31.01,3,rtsp://10.0.0.1/a,rtsp://10.0.0.1/b,"
	load := func(cells string) error {
		return second(o.ImportCameras(ctx, alerts.System(), strings.NewReader(head+row+cells+"\n"), "csv", alerts.WGS84))
	}
	if err := load(`定时,sub+main,"1-5 08:00-18:00; 6,7 22:00-06:00",10,20,1000000000`); err != nil {
		t.Fatal(err)
	}
	want := alerts.RecordPlan{Mode: alerts.RecordSchedule, Profiles: []string{"main", "sub"}, Before: 10, After: 20, Bytes: 1e9, Schedule: []alerts.RecordTime{
		{Days: []int{1, 2, 3, 4, 5}, From: "08:00", To: "18:00"}, {Days: []int{6, 7}, From: "22:00", To: "06:00"}}}
	stored := func() alerts.Camera { return ok[alerts.Camera](t)(o.store.Camera(ctx, alerts.System(), "a")) }
	if got := stored().Record; !reflect.DeepEqual(got, want) {
		t.Errorf("stored %+v, want %+v", got, want)
	}
	// An empty cell keeps what is stored; a faulty one is named by its column.
	if err := load(`,,,,30,`); err != nil || stored().Record.After != 30 || stored().Record.Mode != alerts.RecordSchedule {
		t.Errorf("after a row with one cell: %+v %v", stored().Record, err)
	}
	for cells, column := range map[string]string{`x,,,,,`: "record_mode", `,third,,,,`: "record_profiles", `,,Monday,,,`: "record_schedule",
		`,,1 08:00-25:00,,,`: "record_schedule", `,,,999,,`: "record_before_s", `,,,,x,`: "record_after_s", `,,,,,1TB`: "record_bytes"} {
		err := load(cells)
		if err == nil || faultsOf(t, err)[0].Field != column {
			t.Errorf("%s: %v, want a fault of %s", cells, err, column)
		}
	}
}

func TestPlanWants(t *testing.T) {
	p := alerts.RecordPlan{Mode: alerts.RecordSchedule, Schedule: []alerts.RecordTime{{Days: []int{1}, From: "08:00", To: "18:00"},
		{Days: []int{7}, From: "22:00", To: "06:00"}, {Days: []int{3}, From: "00:00", To: "24:00"}}}
	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for at, want := range map[time.Duration]bool{
		8 * time.Hour: true, 8*time.Hour - time.Second: false, 18 * time.Hour: false, 18*time.Hour - time.Second: true,
		6 * 24 * time.Hour: false, 6*24*time.Hour + 22*time.Hour: true, 7*24*time.Hour + 5*time.Hour: true, 7*24*time.Hour + 6*time.Hour: false,
		5 * time.Hour: true, 2 * 24 * time.Hour: true, 3*24*time.Hour - time.Second: true, 3 * 24 * time.Hour: false,
	} {
		if got := p.Wants(monday.Add(at)); got != want {
			t.Errorf("%s: %t", monday.Add(at).Format("Mon 15:04:05"), got)
		}
	}
	for mode, want := range map[alerts.RecordMode]bool{"": false, alerts.RecordOff: false, alerts.RecordAlways: true, alerts.RecordEvents: true} {
		if got := (alerts.RecordPlan{Mode: mode}).Wants(monday); got != want {
			t.Errorf("%q: %t", mode, got)
		}
	}
}
