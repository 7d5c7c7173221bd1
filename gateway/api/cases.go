package api

import (
	"context"
	"reflect"
	"strconv"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

// optional is a query parameter that may be left out where its zero value means
// something.
type optional[T any] struct {
	value T
	set   bool
}

// Schema, Receiver and OnParamSet are what huma wants of such a parameter.
func (optional[T]) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, typeOf[T]())
}

// Receiver returns where huma puts the value.
func (o *optional[T]) Receiver() reflect.Value { return reflect.ValueOf(&o.value).Elem() }

// OnParamSet is told whether there was one.
func (o *optional[T]) OnParamSet(set bool, _ any) { o.set = set }

func (o optional[T]) pointer() *T {
	if !o.set {
		return nil
	}
	return &o.value
}

// CasesFilter is what narrows cases, in lists, counts and exports.
type CasesFilter struct {
	Area       string         `query:"area" maxLength:"64" doc:"Area where it happened, with everything below it"`
	Holder     string         `query:"holder" maxLength:"64" doc:"Area whose centre holds it, without what is below"`
	Grid       string         `query:"grid" maxLength:"64" doc:"Grid where it happened"`
	Category   string         `query:"category" maxLength:"64" doc:"Code of a category, with everything below it in the tree"`
	Severity   string         `query:"severity" enum:"critical,high,medium,low" doc:"Severity"`
	Step       string         `query:"step" enum:"report,file,assign,handle,feedback,closed" doc:"Step"`
	Outcome    string         `query:"outcome" enum:"solved,not_solved,refused,merged" doc:"How a closed case ended"`
	Open       optional[bool] `query:"open" doc:"true: not closed; false: closed"`
	Direct     optional[bool] `query:"direct" doc:"true: direct reports 直报; false: the others"`
	Department string         `query:"department" maxLength:"64" doc:"Department: assigned, first receiver or joint"`
	Person     string         `query:"person" maxLength:"64" doc:"Person it is assigned to"`
	Overdue    bool           `query:"overdue" doc:"Only those whose step's time has passed"`
	Supervised bool           `query:"supervised" doc:"Only those with an open supervision 督办"`
	Text       string         `query:"q" maxLength:"100" doc:"Part of the title, the address or the code"`
	Since      time.Time      `query:"since" doc:"Reported at or after"`
	Until      time.Time      `query:"until" doc:"Reported before"`
}

func (a *API) caseFilter(in CasesFilter) alerts.CaseFilter {
	f := alerts.CaseFilter{AreaID: in.Area, HolderID: in.Holder, GridID: in.Grid, Category: in.Category,
		Severity: alerts.Severity(in.Severity), Step: alerts.Step(in.Step), Outcome: alerts.Outcome(in.Outcome),
		Open: in.Open.pointer(), Direct: in.Direct.pointer(), DepartmentID: in.Department, PersonID: in.Person,
		Supervised: in.Supervised, Text: in.Text, Since: in.Since, Until: in.Until}
	if in.Overdue {
		f.OverdueAt = a.desk.Clock()
	}
	return f
}

// CasesQuery narrows and sorts the list of cases.
type CasesQuery struct {
	Page
	CasesFilter
	Sort string `query:"sort" enum:"updated,opened,due,severity" default:"updated" doc:"updated: last changed first; opened: newest first; due: what is due first; severity: gravest first, then newest"`
}

// CountsQuery asks for figures of cases.
type CountsQuery struct {
	CasesFilter
	By string `query:"by" required:"true" enum:"step,severity,category,area,grid,holder,department,day" doc:"What is counted: one line for each, largest first, days in order; at most 1,000"`
}

// caseOut is one case with its entity tag (RFC 9110, 8.8.3), which a move has to
// name.
type caseOut struct {
	ETag string `header:"ETag" doc:"The case's version, for If-Match of a move"`
	Body desk.CaseView
}

func caseAnswer(v desk.CaseView) *caseOut { return &caseOut{ETag: caseTag(v.Version), Body: v} }

func caseTag(version int64) string { return `"v` + strconv.FormatInt(version, 10) + `"` }

const casesPath = "/api/v1/cases"

func (a *API) registerCases() {
	const tag = "Cases"
	handle(a, a.operation("GET", casesPath, "cases", tag, "Cases 案卷 in sight: officers see all of their areas, others those they are a party to"),
		func(ctx context.Context, in *CasesQuery) (*listOut[desk.CaseView], error) {
			f := a.caseFilter(in.CasesFilter)
			f.Sort, f.Page = alerts.CaseSort(in.Sort), in.page()
			items, next, err := a.desk.Cases(ctx, scopeOf(ctx), f)
			return listOf(items, next), err
		})
	handle(a, a.operation("GET", casesPath+"/counts", "case-counts", tag, "Figures of the cases in sight, by a group"),
		func(ctx context.Context, in *CountsQuery) (*listOut[desk.CaseCountView], error) {
			items, err := a.desk.CaseCounts(ctx, scopeOf(ctx), a.caseFilter(in.CasesFilter), alerts.CaseGroup(in.By))
			return listOf(items, ""), err
		})
	handle(a, a.operation("GET", casesPath+"/{id}", "case", tag, "One case, by id or code, with the moves that are open to the caller now"),
		func(ctx context.Context, in *ByID) (*caseOut, error) {
			v, err := a.desk.Case(ctx, scopeOf(ctx), in.ID)
			return caseAnswer(v), err
		})
	handle(a, a.operation("GET", casesPath+"/{id}/moves", "case-moves", tag, "Every move in a case, in order; none is ever changed"),
		func(ctx context.Context, in *ByID) (*listOut[desk.MoveView], error) {
			items, err := a.desk.CaseMoves(ctx, scopeOf(ctx), in.ID)
			return listOf(items, ""), err
		})
	handle(a, a.operation("GET", casesPath+"/{id}/incidents", "case-incidents", tag, "The incidents filed in a case"),
		func(ctx context.Context, in *ByID) (*listOut[desk.IncidentView], error) {
			items, err := a.desk.CaseIncidents(ctx, scopeOf(ctx), in.ID)
			return listOf(items, ""), err
		})
	a.registerMoves()
	a.registerRoom()
	handleExport(a, casesPath+"/export", "export-cases", tag, a.exportCases)
}

// CasesExport narrows an export of cases.
type CasesExport struct {
	ExportAs
	CasesFilter
}

// exportCases lists cases in the order they came in: the one order in which
// none can move while they are read.
func (a *API) exportCases(ctx context.Context, in *CasesExport) (*huma.StreamResponse, error) {
	f := a.caseFilter(in.CasesFilter)
	f.Sort = alerts.ByOpened
	return export(ctx, a, in.ExportAs, in.Area, table[desk.CaseView]{name: "cases", zh: "案卷", en: "Cases",
		columns: caseColumns(in.words(), a.categoryNames(in.words())),
		page: func(p alerts.Page) ([]desk.CaseView, string, error) {
			f.Page = p
			return a.desk.Cases(ctx, scopeOf(ctx), f)
		}})
}

func caseColumns(say words, category func(string) string) []column[desk.CaseView] {
	type row = desk.CaseView
	moment := func(t *time.Time) any {
		if t == nil {
			return nil
		}
		return *t
	}
	return []column[row]{
		{"案卷编号", "Code", func(v row) any { return v.Code }},
		{"环节", "Step", func(v row) any { return say.step(v.Step) }},
		{"结果", "Outcome", func(v row) any { return say.outcome(v.Outcome) }},
		{"类别", "Category", func(v row) any { return category(v.Category) }},
		{"严重程度", "Severity", func(v row) any { return say.severity(v.Severity) }},
		{"上报时严重程度", "Severity as reported", func(v row) any { return say.severity(v.FirstSeverity) }},
		{"直报", "Direct report", func(v row) any { return say.yes(v.Direct) }},
		{"标题", "Title", func(v row) any { return v.Title }},
		{"地址", "Address", func(v row) any { return v.Address }},
		{"区域", "Area", func(v row) any { return v.AreaName }},
		{"网格", "Grid", func(v row) any { return v.GridName }},
		{"承办中心", "Held by", func(v row) any { return v.HolderName }},
		{"承办部门", "Department", func(v row) any { return v.DepartmentName }},
		{"内设机构", "Office", func(v row) any { return v.OfficeName }},
		{"首接部门", "First department", func(v row) any { return v.FirstDepartment }},
		{"上报时间", "Reported", func(v row) any { return v.OpenedAt }},
		{"首次响应", "First response", func(v row) any { return moment(v.RepliedAt) }},
		{"首次响应时限", "First response due", func(v row) any { return moment(v.ReplyDue) }},
		{"本环节开始", "Step since", func(v row) any { return v.StepAt }},
		{"本环节时限", "Step due", func(v row) any { return moment(v.DueAt) }},
		{"全案时限", "Case due", func(v row) any { return moment(v.CaseDueAt) }},
		{"结案时间", "Closed", func(v row) any { return moment(v.ClosedAt) }},
		{"超期", "Late", func(v row) any { return say.yes(v.Late || v.LateCase) }},
		{"督办时限", "Supervision due", func(v row) any { return moment(v.SuperviseDue) }},
		{"上报件数", "Incidents", func(v row) any { return v.Incidents }},
		{"退回次数", "Returns", func(v row) any { return v.Returns }},
		{"转办次数", "Transfers", func(v row) any { return v.Transfers }},
		{"升级次数", "Escalated", func(v row) any { return v.Escalated }},
		{"重启次数", "Reopened", func(v row) any { return v.Reopened }},
		{"类别或程度改动", "Edited", func(v row) any { return v.Edited }},
		{"经度 (WGS-84)", "Longitude (WGS-84)", func(v row) any { return v.Lon }},
		{"纬度 (WGS-84)", "Latitude (WGS-84)", func(v row) any { return v.Lat }},
	}
}
