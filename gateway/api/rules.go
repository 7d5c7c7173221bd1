package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// Deadlines is the whole table of deadlines.
type Deadlines struct {
	Items []desk.DeadlineView `json:"items" nullable:"false" maxItems:"1000" doc:"Lines; of those that fit a case the most particular counts, category before severity"`
}

// CategoryTree is the whole tree of categories.
type CategoryTree struct {
	Items []alerts.Category `json:"items" nullable:"false" maxItems:"2000" doc:"Categories, each after the one above it; what is reported is an open leaf"`
}

// rulesIn replaces rules.
type rulesIn[T any] struct {
	IfMatch string `header:"If-Match" maxLength:"64" doc:"ETag of the rules as the caller has seen them: 412 where they have changed since; absent: they are replaced whatever they are"`
	Body    T
}

// rulesOut is rules with the tag that tells their content from another.
type rulesOut[T any] struct {
	ETag string `header:"ETag" doc:"Tells this content from another, for If-Match"`
	Body T
}

func rulesAnswer[T any](view any, body T) *rulesOut[T] {
	return &rulesOut[T]{ETag: `"` + desk.RulesTag(view) + `"`, Body: body}
}

// seen is the tag in If-Match; empty stands for any.
func (in *rulesIn[T]) seen() string {
	if in.IfMatch == "*" {
		return ""
	}
	return strings.Trim(in.IfMatch, `"`)
}

// refusedRules gives the conflict of an outdated change its status.
func refusedRules(err error) error {
	var e *alerts.Error
	if errors.Is(err, desk.ErrStale) && errors.As(err, &e) {
		return newProblem(http.StatusPreconditionFailed, alerts.Conflict, e.Message)
	}
	return err
}

// registerRules puts up the rules: each is read and replaced as a whole.
func (a *API) registerRules() {
	const tag, path = "Rules", "/api/v1/rules/"
	handle(a, a.operation("GET", path+"deadlines", "deadlines", tag, "The table of deadlines"),
		func(context.Context, *none) (*rulesOut[Deadlines], error) {
			items := a.desk.DeadlineRules()
			return rulesAnswer(items, Deadlines{items}), nil
		})
	handle(a, a.operation("PUT", path+"deadlines", "change-deadlines", tag,
		"Replace the table of deadlines; it counts for the steps that cases enter from then on"),
		func(ctx context.Context, in *rulesIn[Deadlines]) (*rulesOut[Deadlines], error) {
			items, err := a.desk.ChangeDeadlines(ctx, scopeOf(ctx), in.seen(), in.Body.Items)
			return rulesAnswer(items, Deadlines{items}), refusedRules(err)
		})
	handle(a, a.operation("GET", path+"calendar", "calendar", tag, "The working time that deadlines are counted in"),
		func(context.Context, *none) (*rulesOut[desk.CalendarView], error) {
			v := a.desk.CalendarRules()
			return rulesAnswer(v, v), nil
		})
	handle(a, a.operation("PUT", path+"calendar", "change-calendar", tag, "Replace the calendar; times that run keep their ends"),
		func(ctx context.Context, in *rulesIn[desk.CalendarView]) (*rulesOut[desk.CalendarView], error) {
			v, err := a.desk.ChangeCalendar(ctx, scopeOf(ctx), in.seen(), in.Body)
			return rulesAnswer(v, v), refusedRules(err)
		})
	handle(a, a.operation("GET", path+"categories", "category-tree", tag, "The tree of categories"),
		func(context.Context, *none) (*rulesOut[CategoryTree], error) {
			items := a.desk.CategoryRules()
			return rulesAnswer(items, CategoryTree{items}), nil
		})
	handle(a, a.operation("PUT", path+"categories", "change-categories", tag,
		"Replace the tree of categories; one that something was reported under is closed instead of left out"),
		func(ctx context.Context, in *rulesIn[CategoryTree]) (*rulesOut[CategoryTree], error) {
			items, err := a.desk.ChangeCategories(ctx, scopeOf(ctx), in.seen(), in.Body.Items)
			return rulesAnswer(items, CategoryTree{items}), refusedRules(err)
		})
}
