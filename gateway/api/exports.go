package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/gateway/sheets"

	"github.com/danielgtaylor/huma/v2"
)

// Bounds of exports. A table is written to a temporary file first: a list that
// fails half-way, or is too long, is told as an error and never looks whole.
const (
	exportsAtOnce = 2
	exportRows    = 100_000
	exportPage    = 1000
	exportTime    = 5 * time.Minute
)

type exports struct {
	slots chan struct{}
	rows  int // most rows of a table
}

// begin takes a slot until the func returned is called.
func (e exports) begin() (func(), error) {
	select {
	case e.slots <- struct{}{}:
		return func() { <-e.slots }, nil
	default:
		return nil, alerts.Errorf(alerts.TooMany, "%d lists are being exported at the moment", exportsAtOnce)
	}
}

// ExportAs says how a list is exported.
type ExportAs struct {
	Format   string `query:"format" enum:"csv,xlsx" default:"csv" doc:"CSV (UTF-8 with a byte order mark) or an Excel workbook"`
	Lang     string `query:"lang" enum:"zh-CN,en" doc:"Language of the header and the words; else that of Accept-Language, else Chinese"`
	Accepted string `header:"Accept-Language" maxLength:"256" doc:"Languages that are understood"`
}

func (e ExportAs) words() words {
	if e.Lang != "" {
		return words{english: e.Lang == "en"}
	}
	return wordsFor(e.Accepted)
}

// IncidentsExport narrows an export of incidents.
type IncidentsExport struct {
	ExportAs
	IncidentsFilter
}

// AlertsExport narrows an export of alerts.
type AlertsExport struct {
	ExportAs
	AlertsFilter
}

func (a *API) registerExports() {
	handleExport(a, "/api/v1/incidents/export", "export-incidents", "Incidents", a.exportIncidents)
	handleExport(a, "/api/v1/alerts/export", "export-alerts", "Alarms", a.exportAlerts)
}

// handleExport registers what writes a list as a file.
func handleExport[I any](a *API, path, id, tag string, fn func(context.Context, *I) (*huma.StreamResponse, error)) {
	op := a.operation("GET", path, id, tag, "What the list shows, newest first, as a file")
	op.Description += fmt.Sprintf(" At most %d rows: else 413, and nothing is exported. No cell is ever calculated. Each export is in the audit.", exportRows)
	content := make(map[string]*huma.MediaType)
	for _, f := range []sheets.Format{sheets.CSV, sheets.XLSX} {
		content[f.ContentType()] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
	}
	op.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: content}, "default": a.errorResponse()}
	op.Middlewares = huma.Middlewares{withExchange}
	handle(a, op, fn)
}

// column is one column of an exported list.
type column[T any] struct {
	zh, en string
	cell   func(T) any
}

// table is a list that is exported.
type table[T any] struct {
	name    string // of the file and in the audit
	zh, en  string
	columns []column[T]
	page    func(alerts.Page) ([]T, string, error)
}

// export writes a list into a file and hands that out.
func export[T any](ctx context.Context, a *API, as ExportAs, areaID string, t table[T]) (*huma.StreamResponse, error) {
	end, err := a.exports.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	ctx, cancel := context.WithTimeout(ctx, exportTime)
	defer cancel()
	f, err := os.CreateTemp("", "export-")
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	_ = os.Remove(f.Name()) // it lives as long as it is open
	rows, err := spool(ctx, a, f, as, t)
	if err == nil {
		err = a.desk.Audit(ctx, scopeOf(ctx), alerts.AuditExport, t.name, areaID,
			map[string]string{"format": as.Format, "rows": strconv.Itoa(rows), "filter": filterOf(ctx)})
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return handOut(f, sheets.Format(as.Format), fmt.Sprintf("%s-%s.%s", t.name, a.now().In(a.desk.Zone).Format("20060102-150405"), as.Format))
}

// filterOf is what a list was narrowed by, as it stood in the address.
func filterOf(ctx context.Context) string {
	x, ok := ctx.Value(exchangeKey{}).(exchange)
	if !ok {
		return ""
	}
	q := x.r.URL.Query()
	q.Del("format")
	q.Del("lang")
	text, _ := url.QueryUnescape(q.Encode()) // its own encoding
	return text
}

// spool writes the rows and returns how many there were.
func spool[T any](ctx context.Context, a *API, f *os.File, as ExportAs, t table[T]) (rows int, err error) {
	say := as.words()
	head := make([]string, len(t.columns))
	for i, c := range t.columns {
		head[i] = say.of(c.zh, c.en)
	}
	buffer := bufio.NewWriterSize(f, 64<<10)
	w, err := sheets.New(buffer, sheets.Format(as.Format), sheets.Table{Title: say.of(t.zh, t.en), Header: head, Zone: a.desk.Zone})
	if err != nil {
		return 0, err
	}
	rows, err = writeRows(ctx, w, a.exports.rows, t)
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = buffer.Flush()
	}
	return rows, err
}

func writeRows[T any](ctx context.Context, w sheets.Writer, most int, t table[T]) (rows int, err error) {
	cells := make([]any, len(t.columns))
	for p := (alerts.Page{Limit: exportPage}); ; {
		items, next, err := t.page(p)
		if err != nil {
			return rows, err
		}
		if rows += len(items); rows > most {
			return rows, alerts.Errorf(alerts.TooLarge, "the list has more than %d rows: narrow it, by time or area", most)
		}
		for _, item := range items {
			for i, c := range t.columns {
				cells[i] = c.cell(item)
			}
			if err := w.Row(cells...); err != nil {
				return rows, err
			}
		}
		if p.Cursor = next; next == "" {
			return rows, nil
		}
		if err := ctx.Err(); err != nil {
			return rows, err
		}
	}
}

// handOut answers with a file, and closes it afterwards.
func handOut(f *os.File, format sheets.Format, name string) (*huma.StreamResponse, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("export: %w", err)
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer func() { _ = f.Close() }()
		c.SetHeader("Content-Type", format.ContentType())
		c.SetHeader("Content-Disposition", `attachment; filename="`+name+`"`)
		c.SetHeader("Content-Length", strconv.FormatInt(size, 10))
		_, _ = io.Copy(c.BodyWriter(), f) // the caller has gone; nothing to be done
	}}, nil
}

func (a *API) now() time.Time {
	if a.deps.Clock != nil {
		return a.deps.Clock()
	}
	return time.Now()
}

func (a *API) exportIncidents(ctx context.Context, in *IncidentsExport) (*huma.StreamResponse, error) {
	say, category := in.words(), a.categoryNames(in.words())
	type row = desk.IncidentView
	return export(ctx, a, in.ExportAs, in.Area, table[row]{name: "incidents", zh: "上报", en: "Incidents",
		page: func(p alerts.Page) ([]row, string, error) {
			return a.desk.Incidents(ctx, scopeOf(ctx), in.filter(p))
		},
		columns: []column[row]{
			{"编号", "Number", func(v row) any { return v.Number }},
			{"接报时间", "Received", func(v row) any { return v.ReceivedAt }},
			{"类别", "Category", func(v row) any { return category(v.Category) }},
			{"严重程度", "Severity", func(v row) any { return say.severity(v.Severity) }},
			{"直报", "Direct report", func(v row) any { return say.yes(v.Direct) }},
			{"内容", "Report", func(v row) any { return v.Text }},
			{"地址", "Address", func(v row) any { return v.Address }},
			{"区域", "Area", func(v row) any { return v.AreaName }},
			{"网格", "Grid", func(v row) any { return v.GridName }},
			{"经度 (WGS-84)", "Longitude (WGS-84)", func(v row) any { return v.Lon }},
			{"纬度 (WGS-84)", "Latitude (WGS-84)", func(v row) any { return v.Lat }},
			{"定位精度 (米)", "Accuracy (m)", func(v row) any { return v.Accuracy }},
			{"来源", "Channel", func(v row) any { return say.channel(v.Channel) }},
			{"照片数", "Photos", func(v row) any { return len(v.Photos) }},
			{"SHA-256", "SHA-256", func(v row) any { return v.Hash }},
		}})
}

func (a *API) exportAlerts(ctx context.Context, in *AlertsExport) (*huma.StreamResponse, error) {
	say := in.words()
	type row = desk.AlertView
	pages := repeating[row]{since: a.now(), seen: make(map[string]bool), id: func(v row) string { return v.ID },
		list: func(p alerts.Page, since time.Time) ([]row, string, error) {
			f := in.filter(p)
			if since.After(f.Since) {
				f.Since = since
			}
			return a.desk.Alerts(ctx, scopeOf(ctx), f)
		}}
	return export(ctx, a, in.ExportAs, in.Area, table[row]{name: "alerts", zh: "告警", en: "Alerts", page: pages.page,
		columns: []column[row]{
			{"最近一次", "Last time", func(v row) any { return v.LastAt }},
			{"第一次", "First time", func(v row) any { return v.FirstAt }},
			{"次数", "Count", func(v row) any { return v.Count }},
			{"种类", "Kind", func(v row) any { return v.Kind }},
			{"严重程度", "Severity", func(v row) any { return say.severity(v.Severity) }},
			{"内容", "Text", func(v row) any { return v.Text }},
			{"摄像机", "Camera", func(v row) any { return v.CameraName }},
			{"摄像机标识", "Camera id", func(v row) any { return v.CameraID }},
			{"告警源", "Source", func(v row) any { return v.SourceName }},
			{"区域", "Area", func(v row) any { return v.AreaName }},
			{"网格", "Grid", func(v row) any { return v.GridName }},
			{"经度 (WGS-84)", "Longitude (WGS-84)", func(v row) any { return v.Lon }},
			{"纬度 (WGS-84)", "Latitude (WGS-84)", func(v row) any { return v.Lat }},
			{"标识", "Id", func(v row) any { return v.ID }},
		}})
}

// repeating pages through a list whose rows move to its top when they come
// again: what moved while it was read is read at the end, and each row is given
// once.
type repeating[T any] struct {
	since time.Time // when the reading began
	id    func(T) string
	list  func(p alerts.Page, since time.Time) ([]T, string, error)
	seen  map[string]bool
	again bool
}

func (r *repeating[T]) page(p alerts.Page) ([]T, string, error) {
	since := time.Time{}
	if r.again {
		since, p.Cursor = r.since, strings.TrimPrefix(p.Cursor, " ")
	}
	items, next, err := r.list(p, since)
	if err != nil {
		return nil, "", err
	}
	fresh := items[:0]
	for _, v := range items {
		if id := r.id(v); !r.seen[id] {
			r.seen[id] = true
			fresh = append(fresh, v)
		}
	}
	switch {
	case r.again && next != "", !r.again && next == "":
		r.again, next = true, " "+next
	}
	return fresh, next, nil
}
