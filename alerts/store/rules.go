package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

// Names of the rules.
const (
	deadlineRules = "deadlines"
	calendarRules = "calendar"
	categoryRules = "categories"
)

type ruleRow struct {
	bun.BaseModel `bun:"table:rules,alias:r"`

	Name      string `bun:"name,pk"`
	Body      string `bun:"body"`
	ChangedAt int64  `bun:"changed_at"`
}

// deadlineBody is a deadline as it is kept.
type deadlineBody struct {
	Category string          `json:"category,omitempty"`
	Severity alerts.Severity `json:"severity,omitempty"`
	Step     alerts.Step     `json:"step,omitempty"`
	Minutes  int             `json:"minutes"`
	Around   bool            `json:"around,omitempty"`
	Before   int             `json:"before,omitempty"`
	Every    int             `json:"every,omitempty"`
	Escalate bool            `json:"escalate,omitempty"`
}

// calendarBody is a calendar as it is kept.
type calendarBody struct {
	Hours []alerts.Span         `json:"hours"`
	Days  []time.Weekday        `json:"days"` // from Sunday, 0
	Moved map[string]alerts.Day `json:"moved"`
}

// rule reads rules into a value; false where none were ever stored.
func (q queries) rule(ctx context.Context, name string, into any) (bool, error) {
	var r ruleRow
	err := q.db.NewSelect().Model(&r).Where("r.name = ?", name).Scan(q.ctx(ctx))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store: read %s: %w", name, classify(err))
	}
	if err := json.Unmarshal([]byte(r.Body), into); err != nil {
		return false, fmt.Errorf("store: read %s: %w", name, err)
	}
	return true, nil
}

func (t *tx) saveRule(name string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("store: save %s: %w", name, err)
	}
	row := ruleRow{Name: name, Body: string(body), ChangedAt: micros(t.now())}
	if err := t.upsert(&row, "name", "body", "changed_at"); err != nil {
		return fmt.Errorf("store: save %s: %w", name, err)
	}
	return nil
}

// Deadlines returns the table of deadlines; nil where none was ever stored.
func (q queries) Deadlines(ctx context.Context) ([]alerts.Deadline, error) {
	var lines []deadlineBody
	if ok, err := q.rule(ctx, deadlineRules, &lines); err != nil || !ok {
		return nil, err
	}
	out := make([]alerts.Deadline, len(lines))
	for i, l := range lines {
		out[i] = alerts.Deadline(l)
	}
	return out, nil
}

// Calendar returns the calendar; one without hours where none was ever stored.
func (q queries) Calendar(ctx context.Context) (alerts.Calendar, error) {
	var c calendarBody
	if _, err := q.rule(ctx, calendarRules, &c); err != nil {
		return alerts.Calendar{}, err
	}
	return alerts.Calendar(c), nil
}

// Categories returns the categories in their order; none where none were ever
// stored.
func (q queries) Categories(ctx context.Context) ([]alerts.Category, error) {
	var out []alerts.Category
	_, err := q.rule(ctx, categoryRules, &out)
	return out, err
}

// SaveDeadlines replaces the table of deadlines.
func (t *tx) SaveDeadlines(lines []alerts.Deadline) error {
	out := make([]deadlineBody, len(lines))
	for i, l := range lines {
		out[i] = deadlineBody(l)
	}
	return t.saveRule(deadlineRules, out)
}

// SaveCalendar replaces the calendar.
func (t *tx) SaveCalendar(c alerts.Calendar) error { return t.saveRule(calendarRules, calendarBody(c)) }

// SaveCategories replaces the categories.
func (t *tx) SaveCategories(list []alerts.Category) error { return t.saveRule(categoryRules, list) }
