// Package storetest is the conformance suite of alerts.Store: every
// implementation passes all of it.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// Base is the time that the suite's objects are dated from.
var Base = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// Run runs the suite. open returns a new, empty store that the suite closes.
func Run(t *testing.T, open func(t *testing.T) alerts.Store) {
	RunCases(t, open)
	run(t, open, map[string]func(*testing.T, alerts.Store){
		"Places":      testPlaces,
		"AreaPaths":   testAreaPaths,
		"Cameras":     testCameras,
		"Incidents":   testIncidents,
		"Alerts":      testAlerts,
		"Users":       testUsers,
		"Sources":     testSources,
		"Tokens":      testTokens,
		"Webhooks":    testWebhooks,
		"Leases":      testLeases,
		"Sessions":    testSessions,
		"Scope":       testScope,
		"Paging":      testPaging,
		"Cursors":     testCursors,
		"Filters":     testFilters,
		"TextSearch":  testTextSearch,
		"TextFarBack": testTextFarBack,
		"RequestKeys": testRequestKeys,
		"Numbers":     testNumbers,
		"Events":      testEvents,
		"EventScope":  testEventScope,
		"Concurrent":  testConcurrent,
		"Rollback":    testRollback,
		"Panic":       testPanic,
		"Cancelled":   testCancelled,
		"ReadOwn":     testReadOwn,
		"Sweep":       testSweep,
		"Hostile":     testHostile,
		"Closed":      testClosed,

		"Moves":        testMoves,
		"CaseRoom":     testCaseRoom,
		"CallBacks":    testCallBacks,
		"EventParties": testEventParties,
		"Rules":        testRules,

		"Departments":  testDepartments,
		"Posts":        testPosts,
		"GridVersions": testGridVersions,
		"AreaVersions": testAreaVersions,
		"Sites":        testSites,
		"Points":       testPoints,
		"Appeals":      testAppeals,
		"Shifts":       testShifts,
		"Emergencies":  testEmergencies,

		"Evidence":     testEvidence,
		"ClipRequests": testClipRequests,
		"ClipExports":  testClipExports,
		"Holds":        testHolds,

		"AuditChain":      testAuditChain,
		"AuditConcurrent": testAuditConcurrent,
		"AuditLists":      testAuditLists,
		"AuditSweep":      testAuditSweep,
	})
}

// RunCases runs the part of the suite about lists and counts of cases, which a
// store may answer in more ways than one.
func RunCases(t *testing.T, open func(t *testing.T) alerts.Store) {
	run(t, open, map[string]func(*testing.T, alerts.Store){
		"Cases":       testCases,
		"CaseSight":   testCaseSight,
		"CasesRandom": testCasesRandom,
		"CaseTexts":   testCaseTexts,
		"CasesSeen":   testCasesSeen,
		"CaseCursors": testCaseCursors,
		"CasesNear":   testCasesNear,
		"CasesDue":    testCasesDue,
	})
}

func run(t *testing.T, open func(t *testing.T) alerts.Store, tests map[string]func(*testing.T, alerts.Store)) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { _ = s.Close() })
			test(t, s)
		})
	}
}

// Town stores a small tree of areas, two grids and a user:
//
//	city
//	  east: t1 (v1 with grid g1, v2), t2 (v3 with grid g3)
//	  west: t3 (v4)
func Town(t testing.TB, s alerts.Store) {
	t.Helper()
	Write(t, s, func(tx alerts.Tx) error {
		for _, a := range []struct {
			id, parent string
			level      alerts.Level
		}{
			{"city", "", alerts.City}, {"east", "city", alerts.County}, {"west", "city", alerts.County},
			{"t1", "east", alerts.Township}, {"t2", "east", alerts.Township}, {"t3", "west", alerts.Township},
			{"v1", "t1", alerts.Village}, {"v2", "t1", alerts.Village}, {"v3", "t2", alerts.Village}, {"v4", "t3", alerts.Village},
		} {
			if err := tx.SaveArea(alerts.Area{ID: a.id, ParentID: a.parent, Name: "Area " + a.id, Level: a.level}); err != nil {
				return err
			}
		}
		for grid, area := range map[string]string{"g1": "v1", "g3": "v3"} {
			if err := tx.SaveGrid(alerts.Grid{ID: grid, AreaID: area, Name: "Grid " + grid, Kind: alerts.Street, Households: 300}); err != nil {
				return err
			}
		}
		return nil
	})
}

// At is a scope over the areas of Town with these paths.
func At(paths ...string) alerts.Scope { return alerts.Scope{Role: alerts.DutyOfficer, Paths: paths} }

// Paths of Town's areas.
const (
	CityPath = "/city/"
	EastPath = "/city/east/"
	T1Path   = "/city/east/t1/"
	T3Path   = "/city/west/t3/"
)

// Write runs a write that must succeed.
func Write(t testing.TB, s alerts.Store, fn func(alerts.Tx) error) {
	t.Helper()
	if err := s.Write(context.Background(), fn); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// Incident makes the n-th incident of a test, n seconds after Base.
func Incident(n int, area, grid string) alerts.Incident {
	return alerts.Incident{
		ID: fmt.Sprintf("inc%06d", n), Number: fmt.Sprintf("N-%06d", n), Category: "hazard.gas", Severity: alerts.High,
		Text: fmt.Sprintf("Report %d", n), Point: alerts.Point{Lon: 117.25, Lat: 31.5}, Given: alerts.Point{Lon: 117.2501, Lat: 31.5002},
		System: alerts.GCJ02, Accuracy: 12.5, Address: "河边路 3 号", AreaID: area, GridID: grid, Channel: alerts.ByGridLeader,
		ReporterID: "u1", ReceivedAt: Base.Add(time.Duration(n) * time.Second), Hash: fmt.Sprintf("%064x", n),
	}
}

// Camera makes a camera.
func Camera(id, area, grid string) alerts.Camera {
	return alerts.Camera{
		ID: id, AreaID: area, GridID: grid, Name: "Camera " + id, Point: alerts.Point{Lon: 117.123456789012, Lat: 31.987654321098},
		Given: alerts.Point{Lon: 117.13, Lat: 31.99}, System: alerts.BD09, Height: 4.5, Azimuth: 270, FOV: 90, Range: 80,
		Class: alerts.PublicCamera, Owner: "所有人", Purpose: "gate", Filing: "F-1", Retention: 30, MainURL: "rtsp://10.0.0.1/main",
		SubURL: "rtsp://10.0.0.1/sub", Transport: "tcp", Mode: alerts.OnDemand, Record: Plan(), Sealed: []byte{0, 1, 2, 255}, Enabled: true,
		UpdatedAt: Base,
	}
}

// Plan is a plan of recording that says everything.
func Plan() alerts.RecordPlan {
	return alerts.RecordPlan{Mode: alerts.RecordSchedule, Profiles: []string{"main", "sub"}, Before: 30, After: 60, Bytes: 1 << 40,
		Schedule: []alerts.RecordTime{{Days: []int{1, 5}, From: "08:00", To: "18:30"}, {Days: []int{6}, From: "22:00", To: "06:00"}}}
}

// Alert makes the n-th alert of a test, n seconds after Base.
func Alert(n int, key, area, grid string) alerts.Alert {
	at := Base.Add(time.Duration(n) * time.Second)
	return alerts.Alert{ID: fmt.Sprintf("alert%06d", n), SourceID: "src", SourceName: "Box", ExternalID: "x", Key: key, Kind: "fire",
		Severity: alerts.Critical, Text: "smoke", CameraID: "cam1", Point: alerts.Point{Lon: 117, Lat: 31}, AreaID: area, GridID: grid,
		FirstAt: at, LastAt: at, Count: 1}
}

func wantKind(t testing.TB, err error, kind alerts.Kind, doing string) {
	t.Helper()
	if err == nil || alerts.KindOf(err) != kind {
		t.Fatalf("%s: got %v, want an error of kind %s", doing, err, kind)
	}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ids[T any](items []T, id func(T) string) []string {
	out := make([]string, len(items))
	for i, v := range items {
		out[i] = id(v)
	}
	return out
}

func incidentID(i alerts.Incident) string { return i.ID }
func cameraID(c alerts.Camera) string     { return c.ID }
func alertID(a alerts.Alert) string       { return a.ID }

func wantIDs(t testing.TB, got, want []string, what string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

var errStop = errors.New("stop")
