package desk

import (
	"context"
	"testing"

	"sharpeyes/alerts"
)

// TestChannels holds each caller to the ways in that he may name.
func TestChannels(t *testing.T) {
	o := newOffice(t)
	machine := as(alerts.DutyOfficer, "east")
	machine.User = alerts.MachineUser("t1")
	callers := map[string]alerts.Scope{"officer": as(alerts.DutyOfficer, "east"), "leader": as(alerts.Leader, "east"),
		"grid leader": as(alerts.GridLeader, "east"), "handler": as(alerts.Handler, "east"), "machine": machine}
	want := map[string]map[alerts.Channel]alerts.Channel{
		"officer":     {"": alerts.ByOfficer, alerts.WalkIn: alerts.WalkIn, alerts.Hotline: alerts.Hotline, alerts.ByResident: alerts.ByResident},
		"leader":      {"": alerts.ByStaff, alerts.WalkIn: alerts.WalkIn, alerts.Hotline: alerts.Hotline, alerts.ByResident: alerts.ByResident},
		"grid leader": {"": alerts.ByGridLeader, alerts.ByResident: alerts.ByResident},
		"handler":     {"": alerts.ByStaff},
		"machine": {"": alerts.BySystem, alerts.WalkIn: alerts.WalkIn, alerts.Hotline: alerts.Hotline, alerts.ByResident: alerts.ByResident,
			alerts.BySystem: alerts.BySystem},
	}
	for who, s := range callers {
		for _, c := range []alerts.Channel{"", alerts.ByGridLeader, alerts.ByOfficer, alerts.ByStaff, alerts.WalkIn, alerts.Hotline,
			alerts.ByResident, alerts.ByAlarm, alerts.BySystem, "pigeon"} {
			in := report("v1")
			in.Channel = c
			i, _, _, err := o.Report(context.Background(), s, in)
			stored, may := want[who][c]
			if !may {
				wantFault(t, err, who+" by "+string(c), "channel")
			} else if err != nil || i.Channel != stored {
				t.Errorf("%s by %q: %q, %v; want %q", who, c, i.Channel, err, stored)
			}
		}
	}
}

// TestIncidentOfAlarm makes one incident of an alarm, and never two.
func TestIncidentOfAlarm(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	s := as(alerts.DutyOfficer, "east")
	in := report("v1")
	alarm, _, err := o.Raise(ctx, newSource(t, o, "t1"), Alarm{Kind: "fire", Lon: &in.Lon, Lat: &in.Lat})
	if err != nil {
		t.Fatal(err)
	}
	in.AlertID = alarm.ID
	machine := s
	machine.User = alerts.MachineUser("t1")
	for who, s := range map[string]alerts.Scope{"grid leader": as(alerts.GridLeader, "east"), "handler": as(alerts.Handler, "east"), "machine": machine} {
		_, _, _, err := o.Report(ctx, s, in)
		wantKind(t, err, alerts.Forbidden, "an incident of an alarm by a "+who)
	}
	elsewhere := in
	elsewhere.AlertID = "no-such-alarm"
	_, _, _, err = o.Report(ctx, s, elsewhere)
	wantFault(t, err, "an alarm that is not there", "alert_id")
	both := in
	both.Channel = alerts.Hotline
	_, _, _, err = o.Report(ctx, s, both)
	wantFault(t, err, "an alarm by telephone", "channel")

	i, _, _, err := o.Report(ctx, s, in)
	if err != nil || i.Channel != alerts.ByAlarm || i.AlertID != alarm.ID {
		t.Fatalf("incident %+v, %v", i, err)
	}
	if again := ok[IncidentView](t)(o.Incident(ctx, s, i.ID)); again.AlertID != alarm.ID {
		t.Errorf("read again: alarm %q", again.AlertID)
	}
	_, _, _, err = o.Report(ctx, s, in)
	wantKind(t, err, alerts.Conflict, "the same alarm again")
}
