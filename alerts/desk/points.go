package desk

import (
	"strings"

	"sharpeyes/alerts"
)

// pointsFor is what a report is worth, by how grave it turned out to be. Many
// trifles are not worth more than the one report that mattered.
func pointsFor(v alerts.Severity) int {
	switch v {
	case alerts.Critical:
		return 5
	case alerts.High:
		return 3
	case alerts.Medium:
		return 2
	}
	return 1
}

const (
	settledPoints = 1
	handledPoints = 2
)

// monthOf names the month of a moment in the town's own time.
func (m *moving) month() string { return m.now.In(m.d.Zone).Format("2006-01") }

// earn writes into the ledger what a case is worth to grid leaders, now that
// somebody else has confirmed it. A report that was filed into another's case
// earns nothing; one of something grave, or that went up a level, counts though
// it could not be solved.
func (m *moving) earn() error {
	k := m.k
	solved := k.Outcome == alerts.Solved
	hard := k.Severity == alerts.Critical || k.Severity == alerts.High || k.Escalated > 0 || k.Direct
	for _, filing := range m.filings {
		if filing.FirstID != k.ID || !solved && !hard {
			continue
		}
		i, err := m.c.Incident(m.ctx, alerts.System(), filing.IncidentID)
		if err != nil {
			return err
		}
		kind := alerts.PointReport
		if !solved {
			kind = alerts.PointHard
		}
		if err := m.point(i.ReporterID, kind, pointsFor(k.Severity), i.ID); err != nil {
			return err
		}
	}
	if !solved || k.DepartmentID != "" {
		return nil
	}
	if m.settled() {
		return m.point(k.HandlerID, alerts.PointSettled, settledPoints, "")
	}
	return m.point(k.HandlerID, alerts.PointHandled, handledPoints, "")
}

// point adds a line for a grid leader; others earn none.
func (m *moving) point(userID string, kind alerts.PointKind, points int, incidentID string) error {
	if userID == "" {
		return nil
	}
	u, err := m.c.User(m.ctx, alerts.System(), userID)
	if alerts.KindOf(err) == alerts.NotFound && err != nil || err == nil && u.Role != alerts.GridLeader {
		return nil
	}
	if err != nil {
		return err
	}
	err = m.c.AddPoint(alerts.PointLine{ID: alerts.NewID(m.now), UserID: userID, Month: m.month(), Kind: kind, Points: points, CaseID: m.k.ID,
		IncidentID: incidentID, AreaID: m.k.AreaID, Hidden: m.k.Against != "", At: m.now, ByID: m.s.User})
	if err != nil {
		return err
	}
	return m.c.pointsChanged(u)
}

// unearn takes back what a case has earned that is opened again; it may earn
// anew when it is closed.
func (m *moving) unearn() error {
	lines, err := m.c.PointsOfCase(m.ctx, m.k.ID)
	if err != nil {
		return err
	}
	type of struct{ user, incident string }
	left := make(map[of]int)
	var who []of // in the order of the lines
	for _, p := range lines {
		if p.Kind == alerts.PointAppeal {
			continue // somebody has decided on that
		}
		key := of{p.UserID, p.IncidentID}
		if _, seen := left[key]; !seen {
			who = append(who, key)
		}
		left[key] += p.Points
	}
	for _, key := range who {
		if left[key] == 0 {
			continue
		}
		if err := m.c.AddPoint(alerts.PointLine{ID: alerts.NewID(m.now), UserID: key.user, Month: m.month(), Kind: alerts.PointUndone,
			Points: -left[key], CaseID: m.k.ID, IncidentID: key.incident, AreaID: m.k.AreaID, Hidden: m.k.Against != "", At: m.now,
			ByID: unnamed(m)}); err != nil {
			return err
		}
		u, err := m.c.User(m.ctx, alerts.System(), key.user)
		if err == nil {
			err = m.c.pointsChanged(u)
		}
		if err != nil && alerts.KindOf(err) != alerts.NotFound {
			return err
		}
	}
	return nil
}

// unnamed is who makes a move, unless he makes it as its reporter: that is told
// to nobody.
func unnamed(m *moving) string {
	if strings.EqualFold(m.details[asDetail], asReporter) {
		return ""
	}
	return m.s.User
}
