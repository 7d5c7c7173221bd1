package api

import (
	"context"

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

type (
	deadlinesOut struct{ Body Deadlines }
	calendarOut  struct{ Body desk.CalendarView }
	treeOut      struct{ Body CategoryTree }
)

// registerRules puts up the rules: each is read and replaced as a whole.
func (a *API) registerRules() {
	const tag, path = "Rules", "/api/v1/rules/"
	handle(a, a.operation("GET", path+"deadlines", "deadlines", tag, "The table of deadlines"),
		func(context.Context, *none) (*deadlinesOut, error) {
			return &deadlinesOut{Deadlines{a.desk.DeadlineRules()}}, nil
		})
	handle(a, a.operation("PUT", path+"deadlines", "change-deadlines", tag,
		"Replace the table of deadlines; it counts for the steps that cases enter from then on"),
		func(ctx context.Context, in *struct{ Body Deadlines }) (*deadlinesOut, error) {
			items, err := a.desk.ChangeDeadlines(ctx, scopeOf(ctx), in.Body.Items)
			return &deadlinesOut{Deadlines{items}}, err
		})
	handle(a, a.operation("GET", path+"calendar", "calendar", tag, "The working time that deadlines are counted in"),
		func(context.Context, *none) (*calendarOut, error) { return &calendarOut{a.desk.CalendarRules()}, nil })
	handle(a, a.operation("PUT", path+"calendar", "change-calendar", tag, "Replace the calendar; times that run keep their ends"),
		func(ctx context.Context, in *struct{ Body desk.CalendarView }) (*calendarOut, error) {
			v, err := a.desk.ChangeCalendar(ctx, scopeOf(ctx), in.Body)
			return &calendarOut{v}, err
		})
	handle(a, a.operation("GET", path+"categories", "category-tree", tag, "The tree of categories"),
		func(context.Context, *none) (*treeOut, error) {
			return &treeOut{CategoryTree{a.desk.CategoryRules()}}, nil
		})
	handle(a, a.operation("PUT", path+"categories", "change-categories", tag,
		"Replace the tree of categories; one that something was reported under is closed instead of left out"),
		func(ctx context.Context, in *struct{ Body CategoryTree }) (*treeOut, error) {
			items, err := a.desk.ChangeCategories(ctx, scopeOf(ctx), in.Body.Items)
			return &treeOut{CategoryTree{items}}, err
		})
}
