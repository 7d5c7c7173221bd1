package live

import (
	"slices"
	"testing"

	"sharpeyes/alerts"
)

// Who hears of registers, rosters, points and emergency access: those whose the
// area is and who may read them, and of points the grid leader alone.
func TestWhoHearsOfWhat(t *testing.T) {
	h := build(t)
	h.insiders()
	points := event(alerts.PointsChanged, "city", "points")
	points.Parties = []string{"gridder"}
	others := event(alerts.PointsChanged, "city", "others")
	others.Parties = []string{"somebody"}
	all := []alerts.Event{
		event(alerts.RegisterChanged, "east", "register"), event(alerts.RosterChanged, "east", "roster"), event(alerts.ShiftsChanged, "east", "shift"),
		event(alerts.ShiftsChanged, "west", "westShift"), points, others, event(alerts.AppealChanged, "east", "appeal"),
		event(alerts.EmergencyTaken, "east", "taken"), event(alerts.EmergencyEnded, "east", "ended"), event(alerts.EmergencyReviewed, "west", "reviewed"),
		event(alerts.PlacesChanged, "east", "endE"), event(alerts.PlacesChanged, "west", "endW"),
	}
	for user, want := range map[string]string{
		"officer":   "register roster shift westShift appeal taken ended reviewed endE endW",
		"easterner": "register roster shift appeal taken ended endE",
		"auditor":   "register roster shift westShift appeal endE endW",
		"builder":   "register roster shift westShift endE endW",
		"gridder":   "register roster points endE endW",
		"gasman":    "register roster endE endW",
		"eastgas":   "endW",
	} {
		t.Run(user, func(t *testing.T) {
			s := h.connect(h.signIn(user), "")
			s.t = t
			s.greeted()
			h.happen(true, slices.Clone(all)...)
			if got := s.heard(want[len(want)-4:]); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
			_ = s.Close()
		})
	}
}

// Every kind of event is either for the process alone or has a right; a kind that
// nobody has thought of fails here.
func TestEveryKindHasItsHearers(t *testing.T) {
	inside := []alerts.EventKind{alerts.UserChanged, alerts.SessionEnded, alerts.WebhooksChanged, alerts.TokenRevoked}
	for _, k := range alerts.HookKinds {
		if k.NeededRight() == "" || k.Personal() {
			t.Errorf("webhooks are told of %s, which is not for the outside", k)
		}
	}
	for _, k := range inside {
		if k.NeededRight() != "" {
			t.Errorf("%s leaves the process", k)
		}
	}
}
