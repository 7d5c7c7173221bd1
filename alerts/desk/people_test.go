package desk

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func TestUsers(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	admin := as(alerts.Admin, "city")
	in := UserInput{Username: "li.ming", Name: " 李明 ", Role: alerts.GridLeader, AreaID: "v1", PasswordHash: "$hash"}
	v := ok[UserView](t)(o.CreateUser(ctx, admin, in))
	if v.Name != "李明" || v.AreaName != "一村" || v.Disabled {
		t.Errorf("user: %+v", v)
	}
	_, err := o.CreateUser(ctx, admin, in)
	wantKind(t, err, alerts.Conflict, "a user name twice")
	var e *alerts.Error
	if !errors.As(err, &e) || len(e.Faults) != 1 || e.Faults[0].Field != "username" {
		t.Errorf("the conflict does not name the field: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*UserInput)
		field  string
	}{
		"short":       {func(in *UserInput) { in.Username = "a" }, "username"},
		"upper case":  {func(in *UserInput) { in.Username = "Li" }, "username"},
		"line end":    {func(in *UserInput) { in.Username = "li\n" }, "username"},
		"no name":     {func(in *UserInput) { in.Name = "" }, "name"},
		"role":        {func(in *UserInput) { in.Role = "root" }, "role"},
		"area":        {func(in *UserInput) { in.AreaID = "none" }, "area_id"},
		"everywhere":  {func(in *UserInput) { in.AreaID = "" }, "area_id"},
		"no password": {func(in *UserInput) { in.PasswordHash = "" }, "password"},
	} {
		in := in
		in.Username = "other"
		c.change(&in)
		wantFault(t, second(o.CreateUser(ctx, admin, in)), name, c.field)
	}
	// The first administrator belongs to no area.
	root := ok[UserView](t)(o.CreateUser(ctx, alerts.System(), UserInput{Username: "admin", Name: "A", Role: alerts.Admin, PasswordHash: "x"}))
	wantKind(t, second(o.ChangeUser(ctx, admin, root.ID, UserPatch{Name: ptr("B")})), alerts.NotFound, "changing who acts everywhere")
	if strings.Contains(asJSON(t, v)+asJSON(t, o.bus.sent), "$hash") {
		t.Error("the password's hash is shown")
	}
}

func TestChangeUser(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	admin := as(alerts.Admin, "city")
	id := ok[UserView](t)(o.CreateUser(ctx, admin, UserInput{Username: "u1", Name: "U", Role: alerts.GridLeader, AreaID: "v1", PasswordHash: "x"})).ID
	ok[DepartmentView](t)(o.CreateDepartment(ctx, admin, DepartmentInput{ID: "fire", AreaID: "t1", Name: "消防"}))
	stored := func() alerts.User { return ok[alerts.User](t)(o.store.User(ctx, alerts.System(), id)) }
	for name, c := range map[string]struct {
		patch UserPatch
		ends  bool
	}{
		"name":       {UserPatch{Name: ptr("N")}, false},
		"department": {UserPatch{Role: ptr(alerts.Handler), DepartmentID: ptr("fire")}, true},
		"same role":  {UserPatch{Role: ptr(alerts.GridLeader)}, false},
		"role":       {UserPatch{Role: ptr(alerts.Handler)}, true},
		"area":       {UserPatch{AreaID: ptr("t1")}, true},
		"disabled":   {UserPatch{Disabled: ptr(true)}, true},
		"password":   {UserPatch{PasswordHash: ptr("y")}, true},
	} {
		o.clock.add(time.Minute)
		before := stored()
		o.bus.forget()
		ok[UserView](t)(o.ChangeUser(ctx, admin, id, c.patch))
		after := stored()
		if ended := after.SessionsFrom.After(before.SessionsFrom); ended != c.ends {
			t.Errorf("%s: sessions ended: %v, want %v", name, ended, c.ends)
		}
		if c.ends && !after.SessionsFrom.Equal(o.clock.time().Truncate(time.Microsecond)) {
			t.Errorf("%s: sessions end before %v, not now", name, after.SessionsFrom)
		}
		if len(o.bus.sent) != 1 || o.bus.sent[0].Kind != alerts.UserChanged || o.bus.sent[0].ID != id || o.bus.sent[0].Data != nil {
			t.Errorf("%s: events %+v", name, o.bus.sent)
		}
		ok[UserView](t)(o.ChangeUser(ctx, admin, id, UserPatch{Role: ptr(alerts.GridLeader), AreaID: ptr("v1"), Disabled: ptr(false)}))
	}
	before := stored()
	o.clock.add(-24 * time.Hour)
	ok[UserView](t)(o.ChangeUser(ctx, admin, id, UserPatch{Disabled: ptr(true)}))
	if !stored().SessionsFrom.After(before.SessionsFrom) {
		t.Error("with a clock that ran back the sessions go on")
	}
	wantFault(t, second(o.ChangeUser(ctx, as(alerts.Admin, "t1"), id, UserPatch{AreaID: ptr("v4")})), "out of the own areas", "area_id")
	wantFault(t, second(o.ChangeUser(ctx, admin, id, UserPatch{PasswordHash: ptr("")})), "no password", "password")
	wantKind(t, second(o.ChangeUser(ctx, admin, "none", UserPatch{})), alerts.NotFound, "nobody")

	self := admin
	self.User = ok[UserView](t)(o.CreateUser(ctx, admin, UserInput{Username: "me", Name: "M", Role: alerts.Admin, AreaID: "city", PasswordHash: "x"})).ID
	for name, p := range map[string]UserPatch{"role": {Role: ptr(alerts.Leader)}, "area": {AreaID: ptr("v1")}, "disabled": {Disabled: ptr(true)}} {
		wantKind(t, second(o.ChangeUser(ctx, self, self.User, p)), alerts.Conflict, "the own "+name)
	}
	ok[UserView](t)(o.ChangeUser(ctx, self, self.User, UserPatch{PasswordHash: ptr("z")}))
}

func TestSources(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	admin := as(alerts.Admin, "t1")
	v, token, err := o.CreateSource(ctx, admin, SourceInput{Name: "AI 盒子", AreaID: "v1"})
	if err != nil || v.AreaName != "一村" {
		t.Fatal(v, err)
	}
	if b, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(b) != 32 {
		t.Errorf("token %q", token)
	}
	source := ok[alerts.Source](t)(o.SourceByToken(ctx, token))
	if source.ID != v.ID || source.AreaPath != paths["v1"] || strings.Contains(string(source.TokenHash), token) {
		t.Errorf("source: %+v", source)
	}
	_, other, _ := o.CreateSource(ctx, admin, SourceInput{Name: "AI 盒子", AreaID: "v1"})
	if other == token {
		t.Error("two sources have one token")
	}
	for _, bad := range []string{"", "x", token[:42], token + "=", token + "A", strings.Repeat("A", 43), "\x00", strings.Repeat("A", 1<<20)} {
		wantKind(t, second(o.SourceByToken(ctx, bad)), alerts.Unauthenticated, "a wrong token")
	}
	wantFault(t, func() error { _, _, err := o.CreateSource(ctx, admin, SourceInput{AreaID: "v4"}); return err }(), "bad source", "name", "area_id")
	if err := o.RemoveSource(ctx, admin, v.ID); err != nil {
		t.Fatal(err)
	}
	wantKind(t, second(o.SourceByToken(ctx, token)), alerts.Unauthenticated, "the token of a removed source")
	wantKind(t, o.RemoveSource(ctx, admin, v.ID), alerts.NotFound, "removing twice")
	if list := ok[[]SourceView](t)(o.Sources(ctx, admin)); len(list) != 1 {
		t.Errorf("sources: %+v", list)
	}
}
