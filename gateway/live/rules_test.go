package live

import (
	"testing"

	"sharpeyes/alerts"
)

// A change of the rules is for everybody who sees the map, wherever he acts.
func TestRulesAreToldEverywhere(t *testing.T) {
	it, ok := encode(alerts.Event{Seq: 1, Kind: alerts.RulesChanged, ID: "deadlines"})
	if !ok {
		t.Fatal("it is kept inside")
	}
	village := []string{"/city/east/v1/"}
	for _, role := range alerts.Roles {
		if !viewerOf(alerts.Scope{Role: role, Paths: village}).sees(it) {
			t.Errorf("%s of a village does not hear of it", role)
		}
	}
	if viewerOf(alerts.Scope{}).sees(it) {
		t.Error("nobody hears of it")
	}
	if camera, _ := encode(alerts.Event{Seq: 2, Kind: alerts.CameraSaved}); viewerOf(alerts.Scope{Role: alerts.Leader, Paths: village}).sees(camera) {
		t.Error("an object in no area is shown in a village")
	}
}
