package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/alerts/store/pgtest"
)

// The story of the centres and their cases, from a clean start, on both stores:
// a gas smell by direct report, a case that nobody takes on, and one that comes
// back again and again.
func TestStory(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { story(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) {
		var server pgtest.Server
		t.Cleanup(func() { _ = server.Close() })
		story(t, server.URL(t))
	})
}

func story(t *testing.T, storeURL string) {
	s := openStage(t, storeURL)
	s.build()
	gasSmell(s)
	nobodyTakesIt(s)
	comesBack(s)
	s.settles()
}

// Where the stories happen: in the grid g-gangwan-05 of the community v-gangwan.
const storyLon, storyLat = "118.897303", "31.896589"

type reportAnswer struct {
	Incident desk.IncidentView
	Receipt  desk.Receipt
}

func (s *stage) reported(key, category, text string, more ...string) reportAnswer {
	s.t.Helper()
	fields := map[string]string{"category": category, "text": text, "lon": storyLon, "lat": storyLat}
	for i := 0; i+1 < len(more); i += 2 {
		fields[more[i]] = more[i+1]
	}
	var v reportAnswer
	r := s.actors["gridder"].reports(key, fields, picture(s.t, 40)).want(http.StatusCreated)
	if err := json.Unmarshal(r.body, &v); err != nil {
		s.t.Fatal(err)
	}
	return v
}

// receipt checks a receipt as somebody without an account.
func (s *stage) receipt(code string) desk.ReceiptState {
	s.t.Helper()
	nobody := &actor{s: s, name: "nobody"}
	return read[desk.ReceiptState](nobody.ask("GET", "/receipts/"+code, nil))
}

func gasSmell(s *stage) {
	t, who := s.t, s.actors
	county, village, gas := who["county"].listens(), who["village"].listens(), who["gas"].listens()
	other, admin := who["other"].listens(), who["admin"].listens()

	// One press: 直报. The county sees it within a second.
	sent := time.Now()
	r := s.reported("phone-1", "hazard.gas", "楼道里有很浓的燃气味", "direct", "true", "address", "港湾路 5 号")
	again := who["gridder"].reports("phone-1", map[string]string{"category": "hazard.gas", "text": "楼道里有很浓的燃气味", "lon": storyLon, "lat": storyLat,
		"direct": "true", "address": "港湾路 5 号"}, picture(t, 40))
	if v := read[reportAnswer](again); v.Receipt != r.Receipt {
		t.Errorf("sent twice: %+v, then %+v", r.Receipt, v.Receipt)
	}
	id := ""
	seen := county.hears("the case at the county", func(h heard) bool {
		var v desk.CaseView
		_ = json.Unmarshal(h.Data, &v)
		id = v.ID
		return h.Kind == string(alerts.CaseChanged) && v.Code == r.Incident.Number
	})
	if took := seen.at.Sub(sent); took > time.Second {
		t.Errorf("the county saw it after %v", took)
	}
	ours := func(h heard) bool { return h.ID == id || h.ID == r.Incident.ID }
	village.hears("the copy below", ours)

	c := who["county"].look(r.Incident.Number)
	if c.ID != id || c.Step != alerts.StepFile || c.HolderID != "donggang" || !c.Direct || c.Severity != alerts.Critical || c.GridID != "g-gangwan-05" ||
		c.ReplyDue == nil || c.ReplyDue.Sub(c.OpenedAt) != 15*time.Minute || c.RepliedAt != nil {
		t.Errorf("%+v", c)
	}
	if v := s.receipt(r.Receipt.Code); v.State != "open" || v.Step != alerts.StepFile || v.Number != r.Incident.Number || v.Hash != r.Receipt.Hash {
		t.Errorf("receipt %+v", v)
	}
	// A copy below, never a veto; nobody else sees it at all.
	if open := who["village"].look(id).Open; len(open) != 0 {
		t.Errorf("open to the village: %+v", open)
	}
	said := who["village"].tries(id, alerts.ActRefuse, map[string]any{"reason": "不严重"}).refused(http.StatusForbidden)
	if !strings.Contains(said, "No move is open to this account now") {
		t.Error(said)
	}
	who["gas"].ask("GET", "/cases/"+id, nil).refused(http.StatusNotFound)
	who["other"].ask("GET", "/cases/"+id, nil).refused(http.StatusNotFound)
	who["admin"].ask("GET", "/cases/"+id, nil).refused(http.StatusForbidden)
	said = who["county"].tries(id, alerts.ActRefuse, map[string]any{"reason": "不严重"}).refused(http.StatusConflict)
	if !strings.Contains(said, `"open_moves"`) || !strings.Contains(said, `"assign"`) {
		t.Error(said)
	}

	// Two of the county dispatch it at once: one wins, the other is told by whom.
	s.race(id, c.Version)
	if v := who["county"].look(id); v.Step != alerts.StepAssign || v.DepartmentID != "urban" || v.RepliedAt == nil || v.PersonName != "冯燕" {
		t.Errorf("dispatched: %+v", v)
	}
	gas.silent("the gas company", ours)

	// Not theirs: they pass it on, with a reason. The others receive and handle.
	who["urban"].tries(id, alerts.ActTransfer, map[string]any{"department": "gas"}).refused(http.StatusUnprocessableEntity)
	v := who["urban"].does(id, alerts.ActTransfer, map[string]any{"department": "gas", "reason": "燃气设施由燃气公司抢修"})
	if v.DepartmentID != "gas" || v.OfficeID != "gas-lingang" || v.Transfers != 1 {
		t.Errorf("transferred: %+v", v)
	}
	gas.hears("the case at the gas company", ours)
	v = who["gas"].does(id, alerts.ActReceive, nil)
	if v.Step != alerts.StepHandle || v.FirstID != "gas" {
		t.Errorf("received: %+v", v)
	}
	s.room(id, county)
	who["gas"].tries(id, alerts.ActFeedBack, map[string]any{"text": "已关阀抢修"}).refused(http.StatusUnprocessableEntity)
	photo := who["gas"].attaches(id, picture(t, 90))
	v = who["gas"].does(id, alerts.ActFeedBack, map[string]any{"text": "已关阀抢修，复测正常", "files": []string{photo}, "lon": 118.8973, "lat": 31.8966})
	if v.Step != alerts.StepFeedback {
		t.Errorf("fed back: %+v", v)
	}
	if b := who["county"].ask("GET", "/attachments/"+photo, nil).want(http.StatusOK); b.header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("the photo is %s", b.header.Get("Content-Type"))
	}
	who["gas"].tries(id, alerts.ActClose, map[string]any{"outcome": "solved", "text": "好了"}).refused(http.StatusForbidden)
	who["auditor"].tries(id, alerts.ActClose, map[string]any{"outcome": "solved", "text": "好了"}).refused(http.StatusForbidden)
	v = who["second"].does(id, alerts.ActClose, map[string]any{"outcome": "solved", "text": "现场复核无异味", "satisfied": true})
	if v.Step != alerts.StepClosed || v.Outcome != alerts.Solved || v.ClosedAt == nil || v.Late || v.LateReply {
		t.Errorf("closed: %+v", v)
	}
	if v := s.receipt(r.Receipt.Code); v.State != "solved" || v.Step != alerts.StepClosed {
		t.Errorf("receipt %+v", v)
	}
	s.log(id, "report file assign transfer receive feed_back close")
	other.silent("another county", ours)
	admin.silent("the administrator", ours)
}

// race has both officers of the county assign a case on the same version.
func (s *stage) race(id string, version int64) {
	t, names := s.t, []string{"county", "second"}
	t.Helper()
	var wg sync.WaitGroup
	answers := make([]reply, len(names))
	for i, name := range names {
		wg.Go(func() {
			answers[i] = s.actors[name].ask("POST", "/cases/"+id+"/moves", map[string]any{"action": "assign", "department": "urban"},
				"If-Match", fmt.Sprintf(`"v%d"`, version), "Idempotency-Key", "race")
		})
	}
	wg.Wait()
	won := slices.IndexFunc(answers, func(r reply) bool { return r.status == http.StatusOK })
	if won < 0 {
		t.Fatalf("nobody won: %d %s", answers[0].status, answers[0].body)
	}
	if said := answers[1-won].refused(http.StatusPreconditionFailed); !strings.Contains(said, s.actors[names[won]].name) {
		t.Errorf("the other one is told %s", said)
	}
	if tag := answers[1-won].header.Get("ETag"); tag == "" || tag == fmt.Sprintf(`"v%d"`, version) {
		t.Errorf("ETag %q", tag)
	}
	answers[won].want(http.StatusOK)
	// The winner's request again, under its key, is answered and not done again.
	v := read[desk.CaseView](s.actors[names[won]].ask("POST", "/cases/"+id+"/moves", map[string]any{"action": "assign", "department": "urban"},
		"If-Match", fmt.Sprintf(`"v%d"`, version), "Idempotency-Key", "race"))
	if v.Step != alerts.StepAssign {
		t.Errorf("again: %+v", v)
	}
}

// room has the department and the county talk, live.
func (s *stage) room(id string, county *ear) {
	t, who := s.t, s.actors
	t.Helper()
	who["gas"].makes("/cases/"+id+"/comments", map[string]any{"text": "需要疏散二单元", "mentions": []string{who["county"].id}})
	county.hears("the message", func(h heard) bool {
		return h.Kind == string(alerts.CaseCommented) && h.ID == id && strings.Contains(string(h.Data), "需要疏散二单元")
	})
	who["housing"].ask("POST", "/cases/"+id+"/comments", map[string]any{"text": "x"}).refused(http.StatusNotFound)
	if list := all[desk.CommentView](who["county"], "/cases/"+id+"/comments"); len(list) != 1 || list[0].Author != "黄志远" {
		t.Errorf("%+v", list)
	}
}

// log checks the moves of a case: in order, each with its actor and hash.
func (s *stage) log(id, want string) []desk.MoveView {
	t := s.t
	t.Helper()
	moves := all[desk.MoveView](s.actors["auditor"], "/cases/"+id+"/moves")
	var got []string
	for i, m := range moves {
		got = append(got, string(m.Action))
		if m.N != i+1 || len(m.Hash) != 64 || m.At.IsZero() || m.ActorID == s.actors["gridder"].id || m.ActorID != "" && m.Actor == "" {
			t.Errorf("%+v", m)
		}
	}
	if strings.Join(got, " ") != want {
		t.Errorf("moves %v, want %s", got, want)
	}
	return moves
}

// nobodyTakesIt: an ordinary matter that lies at each centre until its time is
// up goes level by level to the top, over restarts of the gateway.
func nobodyTakesIt(s *stage) {
	t, who := s.t, s.actors
	r := s.reported("phone-2", "facility.manhole", "井盖破损")
	c := who["village"].look(r.Incident.Number)
	if c.Step != alerts.StepReport || c.HolderID != "v-gangwan" || c.DueAt == nil {
		t.Fatalf("%+v", c)
	}
	for _, holder := range []string{"t-lingang", "donggang", "yunhe"} {
		due := *c.DueAt
		if !due.After(s.clock.now()) {
			t.Fatalf("due at %v already", due)
		}
		s.later(due.Add(-time.Minute))
		if v := who["city"].look(c.ID); v.HolderID != c.HolderID || v.Late {
			t.Errorf("a minute before its time: %+v", v)
		}
		s.later(due.Add(time.Second))
		ear := who["city"].listens()
		for c = who["city"].look(c.ID); c.HolderID != holder; c = who["city"].look(c.ID) {
			ear.hears("the case going up to "+holder, func(h heard) bool { return h.ID == c.ID })
		}
		if c.Step != alerts.StepReport || c.DueAt == nil && holder != "yunhe" {
			t.Errorf("at %s: %+v", holder, c)
		}
	}
	if c.Escalated != 3 {
		t.Errorf("went up %d times", c.Escalated)
	}
	up := 0
	for _, m := range all[desk.MoveView](who["auditor"], "/cases/"+c.ID+"/moves") {
		if m.Action == alerts.ActEscalate {
			if up++; m.ActorID != "" || m.ByReporter || m.Details["to_holder"] == "" {
				t.Errorf("%+v", m)
			}
		}
	}
	if up != 3 {
		t.Errorf("%d moves up", up)
	}
	who["village"].tries(c.ID, alerts.ActFile, nil).refused(http.StatusForbidden)
	if v := who["city"].does(c.ID, alerts.ActFile, map[string]any{"severity": "medium"}); v.Step != alerts.StepFile || v.Edited != 1 || v.FirstSeverity != alerts.High {
		t.Errorf("filed: %+v", v)
	}
}

// comesBack: a case is returned to the centre, handled, closed, reopened, closed
// again, and disputed by who reported it.
func comesBack(s *stage) {
	t, who := s.t, s.actors
	r := s.reported("phone-3", "hazard.house", "外墙开裂，有掉落危险")
	id := who["village"].look(r.Incident.Number).ID
	who["village"].does(id, alerts.ActEscalate, map[string]any{"reason": "村里处理不了"})
	who["township"].does(id, alerts.ActFile, nil)
	who["township"].does(id, alerts.ActEscalate, map[string]any{"reason": "需要县住建局"})
	who["county"].does(id, alerts.ActAssign, map[string]any{"department": "urban"})
	who["urban"].tries(id, alerts.ActReturn, nil).refused(http.StatusUnprocessableEntity)
	if v := who["urban"].does(id, alerts.ActReturn, map[string]any{"reason": "不属于城管职责"}); v.Step != alerts.StepFile || v.Returns != 1 || v.DepartmentID != "" {
		t.Errorf("returned: %+v", v)
	}
	who["urban"].ask("GET", "/cases/"+id, nil).refused(http.StatusNotFound)
	s.unitFigures()

	handled := func(text string) {
		t.Helper()
		who["county"].does(id, alerts.ActAssign, map[string]any{"department": "housing"})
		who["housing"].does(id, alerts.ActReceive, nil)
		photo := who["housing"].attaches(id, picture(t, 120))
		who["housing"].does(id, alerts.ActFeedBack, map[string]any{"text": text, "files": []string{photo}})
	}
	handled("已加固")
	who["county"].does(id, alerts.ActClose, map[string]any{"outcome": "solved", "text": "照片可见已加固"})
	if v := s.receipt(r.Receipt.Code); v.State != "solved" {
		t.Errorf("receipt %+v", v)
	}
	who["second"].does(id, alerts.ActReopen, map[string]any{"reason": "复查发现仍有裂缝"})
	handled("已更换外墙板")
	who["second"].does(id, alerts.ActClose, map[string]any{"outcome": "solved", "text": "现场复核"})

	// Whoever reported it says no: it goes one level up, and he stays unnamed.
	if open := who["gridder"].look(id).Open; len(open) != 1 || open[0].Action != alerts.ActDispute {
		t.Errorf("open to the reporter: %+v", open)
	}
	v := who["gridder"].does(id, alerts.ActDispute, map[string]any{"reason": "另一侧外墙没有修"})
	if v.Step != alerts.StepFile || v.HolderID != "yunhe" || v.Reopened != 2 || v.Returns != 1 {
		t.Errorf("disputed: %+v", v)
	}
	if v := s.receipt(r.Receipt.Code); v.State != "open" || v.Step != alerts.StepFile {
		t.Errorf("receipt %+v", v)
	}
	moves := s.log(id, "report escalate file escalate assign return assign receive feed_back close reopen assign receive feed_back close dispute")
	if last := moves[len(moves)-1]; !last.ByReporter || last.Actor != "" || last.Reason == "" {
		t.Errorf("%+v", last)
	}
	s.disclosed(r.Incident.ID)
}

// unitFigures: what a centre did with its reports shows one level up.
func (s *stage) unitFigures() {
	t := s.t
	t.Helper()
	figures := func(who, area string) (v desk.UnitFigures) {
		for _, u := range all[desk.UnitFigures](s.actors[who], "/units/figures") {
			if u.AreaID == area {
				v = u
			}
		}
		return v
	}
	if v := figures("city", "donggang"); v.Cases != 3 || v.Returned != 1 || v.Edited != 1 {
		t.Errorf("the county, seen by the city: %+v", v)
	}
	if v := figures("county", "t-lingang"); v.Cases != 3 || v.Direct != 1 || v.Unsupported != 1 {
		t.Errorf("the township, seen by the county: %+v", v)
	}
	if v := figures("township", "t-lingang"); v.AreaID != "" {
		t.Errorf("the township sees itself: %+v", v)
	}
	s.actors["gridder"].ask("GET", "/units/figures", nil).refused(http.StatusForbidden)
}

// disclosed: who reported is shown for a reason, and that it was is kept.
func (s *stage) disclosed(incident string) {
	t, who := s.t, s.actors
	t.Helper()
	who["housing"].ask("POST", "/incidents/"+incident+"/disclosure", map[string]any{"reason": "想知道"}).refused(http.StatusForbidden)
	who["township"].ask("POST", "/incidents/"+incident+"/disclosure", map[string]any{"reason": "想知道"}).refused(http.StatusForbidden)
	v := read[desk.DisclosureView](who["city"].ask("POST", "/incidents/"+incident+"/disclosure", map[string]any{"reason": "请其到场指认位置"}))
	if v.UserID != who["gridder"].id || v.Name != "周建国" {
		t.Errorf("%+v", v)
	}
}

// settles checks what must hold when everything has happened: lists and figures
// agree, the export is whole, the audit tells of it all and was not touched.
func (s *stage) settles() {
	t, who := s.t, s.actors
	t.Helper()
	if list := all[desk.CaseView](who["city"], "/cases?sort=opened"); len(list) != 3 {
		t.Errorf("%d cases", len(list))
	}
	total := int64(0)
	for _, v := range all[desk.CaseCountView](who["city"], "/cases/counts?by=step") {
		total += v.Total
	}
	if total != 3 {
		t.Errorf("%d cases are counted", total)
	}
	raw := who["city"].ask("GET", "/cases/export?format=csv", nil).want(http.StatusOK)
	if strings.Count(string(raw.body), "\r\n") != 4 || !strings.HasPrefix(string(raw.body), "\ufeff\"案卷编号\"") {
		t.Errorf("export: %.300s", raw.body)
	}
	entries := all[desk.AuditView](who["auditor"], "/audit?limit=1000")
	have := make(map[alerts.AuditKind]int)
	for _, e := range entries {
		have[e.Kind]++
	}
	for kind, least := range map[alerts.AuditKind]int{alerts.AuditSignIn: 12, alerts.AuditReport: 3, alerts.AuditMove: 24, alerts.AuditComment: 1,
		alerts.AuditDisclose: 1, alerts.AuditExport: 1, alerts.AuditConfig: 12, alerts.AuditRead: 1} {
		if have[kind] < least {
			t.Errorf("%d entries of %s in the audit, want %d", have[kind], kind, least)
		}
	}
	who["admin"].ask("GET", "/audit", nil).refused(http.StatusForbidden)
	s.verified()
}

// verified runs "gateway audit verify" beside the running gateway, and again
// when it has stopped.
func (s *stage) verified() {
	t := s.t
	t.Helper()
	for _, when := range []string{"running", "stopped"} {
		if when == "stopped" {
			s.stop()
		}
		var out strings.Builder
		if err := verifyAudit(t.Context(), s.set, "", &out); err != nil || !strings.Contains(out.String(), "The audit is whole.") {
			t.Errorf("%s: %v\n%s", when, err, out.String())
		}
	}
}
