package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

func (a *API) registerPlaces() {
	const tag = "Places"
	handle(a, a.operation("GET", "/api/v1/areas", "areas", tag, "Areas of the account, by name"),
		func(ctx context.Context, in *AtQuery) (*listOut[desk.AreaView], error) {
			at, err := a.moment(in.At)
			if err != nil {
				return nil, err
			}
			if !at.IsZero() {
				items, err := a.desk.AreasAt(ctx, scopeOf(ctx), at)
				return listOf(items, ""), err
			}
			items, err := a.desk.Areas(ctx, scopeOf(ctx))
			return listOf(items, ""), err
		})
	handle(a, a.operation("GET", "/api/v1/grids", "grids", tag, "Grids of the account's areas, by name"),
		func(ctx context.Context, in *AtQuery) (*listOut[desk.GridView], error) {
			at, err := a.moment(in.At)
			if err != nil {
				return nil, err
			}
			if !at.IsZero() {
				items, err := a.desk.GridsAt(ctx, scopeOf(ctx), at)
				return listOf(items, ""), err
			}
			items, err := a.desk.Grids(ctx, scopeOf(ctx))
			return listOf(items, ""), err
		})
	a.geojson("/api/v1/areas.geojson", "areas-geojson", "Areas with their shapes", atParameter(),
		func(r *http.Request) (*document, error) {
			return a.shapesAt(r, a.desk.AreasGeoJSON, a.desk.AreasGeoJSONAt)
		})
	a.geojson("/api/v1/grids.geojson", "grids-geojson", "Grids with their shapes", atParameter(),
		func(r *http.Request) (*document, error) {
			return a.shapesAt(r, a.desk.GridsGeoJSON, a.desk.GridsGeoJSONAt)
		})
	a.geojson("/api/v1/basemap.geojson", "basemap", "Streets, water and sites to draw below everything", nil,
		func(*http.Request) (*document, error) {
			if len(a.baseMap.plain) == 0 {
				return nil, alerts.Errorf(alerts.NotFound, "there is no base map")
			}
			return a.baseMap, nil
		})
}

// shapesAt returns the shapes as they are now, or with ?at= as they were.
func (a *API) shapesAt(r *http.Request, now func(context.Context, alerts.Scope) ([]byte, error),
	then func(context.Context, alerts.Scope, time.Time) ([]byte, error)) (*document, error) {
	at, err := a.moment(r.URL.Query().Get("at"))
	if err != nil {
		return nil, err
	}
	var b []byte
	if at.IsZero() {
		b, err = now(r.Context(), scopeOf(r.Context()))
	} else {
		b, err = then(r.Context(), scopeOf(r.Context()), at)
	}
	if err != nil {
		return nil, err
	}
	return a.documents.of(b), nil
}

func atParameter() []*huma.Param {
	return []*huma.Param{{Name: "at", In: "query", Example: "2026-11-24", Schema: &huma.Schema{Type: "string"},
		Description: "As they were at this moment, or at the end of this day; now when absent"}}
}

func (a *API) geojson(path, id, summary string, parameters []*huma.Param, fn func(*http.Request) (*document, error)) {
	op := a.operation("GET", path, id, "Places", summary)
	op.Parameters = parameters
	op.Responses = map[string]*huma.Response{
		"200": {Description: "A FeatureCollection, with an ETag", Content: map[string]*huma.MediaType{
			"application/geo+json": {Schema: &huma.Schema{Type: "object", AdditionalProperties: true}}}},
		"304": {Description: "Unchanged since If-None-Match"},
	}
	a.handlePlain(op, func(w http.ResponseWriter, r *http.Request) error {
		d, err := fn(r)
		if err != nil {
			return err
		}
		return d.write(w, r, "application/geo+json")
	})
}

// document is a large answer that changes rarely, with its compressed form.
type document struct {
	plain []byte
	etag  string
	once  sync.Once
	gz    []byte
}

func newDocument(b []byte) *document {
	sum := sha256.Sum256(b)
	return &document{plain: b, etag: `W/"` + hex.EncodeToString(sum[:12]) + `"`}
}

func (d *document) compressed() []byte {
	d.once.Do(func() { d.gz = compress(d.plain) })
	return d.gz
}

func compress(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b) // into memory: cannot fail
	_ = w.Close()
	return out.Bytes()
}

// write answers with 304 where the caller has it. It is asked for each time,
// since the next account in the same browser may see less.
func (d *document) write(w http.ResponseWriter, r *http.Request, contentType string) error {
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Accept-Encoding, Cookie")
	h.Set("ETag", d.etag)
	if matches(r.Header.Get("If-None-Match"), d.etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", contentType)
	body := d.plain
	if acceptsGzip(r) {
		body = d.compressed()
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the caller has gone; nothing to be done
	return nil
}

// matches tells whether an If-None-Match names a tag (RFC 9110, 13.1.2).
func matches(header, etag string) bool {
	etag = strings.TrimPrefix(etag, "W/")
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q = strings.ReplaceAll(strings.TrimSpace(q), " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}

// documentsKept bounds the compressed documents that are kept; each scope that
// is in use has its own.
const documentsKept = 16

// documents keeps the compressed forms of what was asked for last.
type documents struct {
	mu    sync.Mutex
	kept  map[string]*document
	order []string
}

func newDocuments() *documents { return &documents{kept: make(map[string]*document)} }

// of returns the document with this content, the kept one where there is one.
func (c *documents) of(b []byte) *document {
	d := newDocument(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept, ok := c.kept[d.etag]; ok {
		return kept
	}
	if len(c.order) >= documentsKept {
		delete(c.kept, c.order[0])
		c.order = c.order[1:]
	}
	c.kept[d.etag] = d
	c.order = append(c.order, d.etag)
	return d
}
