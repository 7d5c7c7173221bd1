package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// allowed is written down independently of the table of moves: in each step, who
// may make which move in a case of village v1 that gr reported, that is assigned
// to dd (hd, hd2) and jointly to jj (hj). A move in brackets exists in the step
// and is barred now for these; those who are not named are forbidden it. Moves
// that a step does not list do not exist in it.
var allowed = map[alerts.Step]string{
	alerts.StepReport: `file: hv at ce ci cd
		merge: hv at ce ci cd
		refuse: hv at ce ci cd
		escalate: hv at ce ci cd
		assign: hv at ce ci cd
		feed_back: gr
		supervise: at ce ci cd
		reclass: hv at ce ci cd
		(split): hv at ce ci cd
		(answer): hv at ce ci cd`,
	alerts.StepFile: `merge: hv at ce ci cd
		refuse: hv at ce ci cd
		escalate: hv at ce ci cd
		(return): hv at ce ci cd
		assign: hv at ce ci cd
		feed_back: gr
		supervise: at ce ci cd
		reclass: hv at ce ci cd
		(split): hv at ce ci cd
		(answer): hv at ce ci cd`,
	alerts.StepAssign: `assign: hv at ce ci cd
		receive: hd hd2 hj
		transfer: hd hd2
		return: hd hd2
		join: hv at ce ci cd hd hd2
		feed_back: hj
		supervise: at ce ci cd
		reclass: hv at ce ci cd
		(split): hv at ce ci cd
		(answer): hv at ce ci cd hd hd2`,
	alerts.StepHandle: `assign: hv at ce ci cd
		receive: hj
		transfer: hd hd2
		return: hd hd2
		join: hv at ce ci cd hd hd2
		pause: hd hd2
		(resume): hd hd2 hv at ce ci cd
		ask_time: hd hd2
		(grant_time): hv at ce ci cd
		(deny_time): hv at ce ci cd
		feed_back: hd hd2 hj
		supervise: at ce ci cd
		reclass: hv at ce ci cd
		(split): hv at ce ci cd
		(answer): hv at ce ci cd hd hd2`,
	alerts.StepFeedback: `reject: hv at ce ci cd
		close: hv at ce ci cd
		supervise: at ce ci cd
		reclass: hv at ce ci cd
		(split): hv at ce ci cd
		(answer): hv at ce ci cd hd hd2`,
	alerts.StepClosed: `reopen: hv at ce ci cd
		dispute: gr`,
}

// bySystemAlone exist in every open step, and are open to nobody.
var bySystemAlone = []string{"remind", "overdue"}

// unseen are those who do not find the case.
var unseenBy = []string{"nv", "hx", "gb", "ad"}

// want says how a move ends: ok, or the kind of its error.
func want(step alerts.Step, who string, action alerts.Action) string {
	if slices.Contains([]string{"au", "ad"}, who) { // without the right to work on cases
		return string(alerts.Forbidden)
	}
	if slices.Contains(unseenBy, who) || who == "hj" && (step == alerts.StepReport || step == alerts.StepFile) ||
		(who == "hd" || who == "hd2") && (step == alerts.StepReport || step == alerts.StepFile) {
		return string(alerts.NotFound)
	}
	if slices.Contains(bySystemAlone, string(action)) && step != alerts.StepClosed {
		return string(alerts.Forbidden)
	}
	for line := range strings.SplitSeq(allowed[step], "\n") {
		name, people, _ := strings.Cut(strings.TrimSpace(line), ":")
		mine := slices.Contains(strings.Fields(people), who)
		switch {
		case name == string(action) && mine:
			return "ok"
		case name == "("+string(action)+")" && mine:
			return string(alerts.Conflict)
		case strings.Trim(name, "()") == string(action):
			return string(alerts.Forbidden)
		}
	}
	return string(alerts.Conflict)
}

// allActions are the domain's, and one that does not exist.
var allActions = []alerts.Action{alerts.ActReport, alerts.ActFile, alerts.ActMerge, alerts.ActSplit, alerts.ActRefuse, alerts.ActAssign,
	alerts.ActReceive, alerts.ActTransfer, alerts.ActReturn, alerts.ActJoin, alerts.ActPause, alerts.ActResume, alerts.ActAskTime,
	alerts.ActGrantTime, alerts.ActDenyTime, alerts.ActFeedBack, alerts.ActReject, alerts.ActClose, alerts.ActEscalate,
	alerts.ActSupervise, alerts.ActAnswer, alerts.ActReclass, alerts.ActReopen, alerts.ActDispute, alerts.ActRemind, alerts.ActOverdue, "burn"}

// inputFor has what a move needs, and no more.
func (b *bureau) inputFor(action alerts.Action, step alerts.Step, into, incident string) MoveInput {
	in := MoveInput{Action: action}
	due := base.Add(48 * time.Hour)
	switch action {
	case alerts.ActMerge:
		in.Into = into
	case alerts.ActSplit:
		in.Incident, in.Reason = incident, "r"
	case alerts.ActAssign, alerts.ActTransfer, alerts.ActJoin:
		in.Department = "xx"
		if action != alerts.ActJoin && step != alerts.StepReport && step != alerts.StepFile {
			in.Reason = "r"
		}
	case alerts.ActRefuse, alerts.ActReturn, alerts.ActPause, alerts.ActReject, alerts.ActEscalate, alerts.ActReopen, alerts.ActDispute:
		in.Reason = "r"
	case alerts.ActAskTime:
		in.Days, in.Reason = 3, "r"
	case alerts.ActFeedBack:
		in.Text, in.Reason = "done", "without jj"
	case alerts.ActClose:
		in.Text, in.Outcome = "seen", alerts.NotSolved
	case alerts.ActSupervise:
		in.Text, in.Due = "press", &due
	case alerts.ActAnswer:
		in.Text = "answer"
	case alerts.ActReclass:
		in.Severity, in.Reason = alerts.High, "r"
	}
	return in
}

// TestTable makes every move in every step as everybody, and compares with what
// is allowed. What a case lists as open must be what can be done.
func TestTable(t *testing.T) {
	b := newBureau(t)
	_, other := b.reported(t, "gg", "v1", nil)
	for _, step := range alerts.Steps {
		t.Run(string(step), func(t *testing.T) {
			k := b.toStep(t, step)
			people := make([]string, 0, len(b.who))
			for who := range b.who {
				people = append(people, who)
			}
			slices.Sort(people)
			for _, who := range people {
				var listed []string
				if v, err := b.Case(t.Context(), b.who[who], k.ID); err == nil {
					for _, o := range v.Open {
						listed = append(listed, string(o.Action))
					}
				}
				for _, action := range allActions {
					expected := want(step, who, action)
					if (expected == "ok") != slices.Contains(listed, string(action)) {
						t.Errorf("%s: %s: %s, and the case lists %v", who, action, expected, listed)
					}
					l := ok[[]alerts.Filing](t)(b.store.Filings(t.Context(), k.ID))
					_, err := b.try(t, who, k.ID, b.inputFor(action, step, other.ID, l[0].IncidentID))
					got := "ok"
					if err != nil {
						got = string(alerts.KindOf(err))
					}
					if got != expected {
						t.Errorf("%s: %s: %s, want %s (%v)", who, action, got, expected, err)
					}
					if got == "ok" {
						k = b.toStep(t, step)
					} else if expected != string(alerts.NotFound) && b.who[who].Can(alerts.WorkCases) {
						checkMessage(t, err, step, listed)
					}
				}
			}
		})
	}
}

// checkMessage: an error says which step the case is in and what is open now.
func checkMessage(t *testing.T, err error, step alerts.Step, listed []string) {
	t.Helper()
	if !strings.Contains(err.Error(), fmt.Sprintf("step %q", step)) {
		t.Errorf("an error without the step: %v", err)
	}
	for _, action := range listed {
		if !strings.Contains(err.Error(), action) {
			t.Errorf("an error that does not list %s: %v", action, err)
		}
	}
}

// TestTableNeeds leaves out each needed field in turn, and adds one that is not
// taken.
func TestTableNeeds(t *testing.T) {
	b := newBureau(t)
	_, other := b.reported(t, "gg", "v1", nil)
	clear := map[string]func(*MoveInput){"reason": func(in *MoveInput) { in.Reason = "" }, "department": func(in *MoveInput) { in.Department = "" },
		"into": func(in *MoveInput) { in.Into = "" }, "days": func(in *MoveInput) { in.Days = 0 }, "text": func(in *MoveInput) { in.Text = "" },
		"outcome": func(in *MoveInput) { in.Outcome = "" }, "due": func(in *MoveInput) { in.Due = nil },
		"severity": func(in *MoveInput) { in.Severity = "" }}
	for _, r := range moveTable() {
		for _, step := range r.from {
			k := b.toStep(t, step)
			for _, who := range []string{"hv", "at", "hd", "hj", "gr"} {
				v, err := b.Case(context.Background(), b.who[who], k.ID)
				if err != nil {
					continue
				}
				at := slices.IndexFunc(v.Open, func(o MoveOption) bool {
					return o.Action == r.action && slices.Equal(o.Needs, r.needs) && len(o.Needs) > 0
				})
				if at < 0 {
					continue
				}
				full := b.inputFor(r.action, step, other.ID, "")
				for _, need := range r.needs {
					field, _, _ := strings.Cut(need, "|")
					if field == "category" {
						field = "severity"
					}
					in := full
					clear[field](&in)
					first, _, _ := strings.Cut(need, "|")
					_, err := b.try(t, who, k.ID, in)
					wantFault(t, err, fmt.Sprintf("%s in %s without %s", r.action, step, field), first)
				}
				if r.action != alerts.ActSplit {
					in := full
					in.Incident = "x"
					_, err := b.try(t, who, k.ID, in)
					wantFault(t, err, string(r.action)+" with incident", "incident")
				}
			}
		}
	}
}
