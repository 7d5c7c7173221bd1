package api

import (
	"embed"
	"net/http"

	"sharpeyes/alerts"
)

// docsFiles is a page that lists the operations of the OpenAPI document and
// calls them. It needs no other site and no inline script.
//
//go:embed docs/index.html docs/docs.js docs/docs.css
var docsFiles embed.FS

func (a *API) registerDocs() {
	a.mux.plain("GET /api/openapi.json", func(w http.ResponseWriter, r *http.Request) error {
		return a.documents.of(a.document).write(w, r, "application/json")
	})
	a.mux.plain("GET /api/docs", func(w http.ResponseWriter, r *http.Request) error {
		return writeDocs(w, "index.html")
	})
	a.mux.plain("GET /api/docs/{file}", func(w http.ResponseWriter, r *http.Request) error {
		return writeDocs(w, r.PathValue("file"))
	})
}

func writeDocs(w http.ResponseWriter, name string) error {
	b, err := docsFiles.ReadFile("docs/" + name)
	if err != nil {
		return alerts.Errorf(alerts.NotFound, "there is no such file")
	}
	w.Header().Set("Content-Type", contentType(name, b))
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(b) // the caller has gone; nothing to be done
	return nil
}
