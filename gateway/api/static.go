package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"sharpeyes/alerts"
)

// assetsFolder is where the build puts files with a hash in their names.
const assetsFolder = "assets/"

// static serves the dashboard. Files are read and compressed at their first
// use; index.html answers for every address that the dashboard's router knows.
type static struct {
	fsys  fs.FS
	files map[string]*file
}

// file is one file, ready to be sent. Of what can be compressed only the
// compressed form is kept.
type file struct {
	once  sync.Once
	err   error
	mime  string
	etag  string
	gz    []byte
	plain []byte
}

// newStatic lists the files, so that the table of them is bounded by what is
// there, not by what is asked for.
func newStatic(fsys fs.FS) (*static, error) {
	s := &static{fsys: fsys, files: make(map[string]*file)}
	if fsys == nil {
		return s, nil
	}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(path.Base(name), ".") {
			s.files[name] = &file{}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("api: list the dashboard: %w", err)
	}
	return s, nil
}

func (s *static) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		p := newProblem(http.StatusMethodNotAllowed, alerts.Unsupported, "only GET and HEAD are possible here")
		p.setHeader("Allow", "GET, HEAD")
		return p
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	f, ok := s.files[name]
	if !ok {
		// A page of the dashboard has no ending; a file that is not there has.
		if path.Ext(name) != "" || strings.HasPrefix(name, assetsFolder) {
			return alerts.Errorf(alerts.NotFound, "there is no such file")
		}
		name = "index.html"
		if f, ok = s.files[name]; !ok {
			return alerts.Errorf(alerts.NotFound, "the dashboard is not built into this gateway; run make build")
		}
	}
	f.once.Do(func() { f.load(s.fsys, name) })
	if f.err != nil {
		return fmt.Errorf("read dashboard: %w", f.err)
	}
	return f.write(w, r, name)
}

func (f *file) load(fsys fs.FS, name string) {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		f.err = err
		return
	}
	f.mime = contentType(name, b)
	sum := sha256.Sum256(b)
	f.etag = `W/"` + hex.EncodeToString(sum[:12]) + `"`
	if gz := compress(b); compressible(f.mime) && len(gz) < len(b) {
		f.gz = gz
		return
	}
	f.plain = b
}

func (f *file) write(w http.ResponseWriter, r *http.Request, name string) error {
	h := w.Header()
	h.Set("ETag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, assetsFolder) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if matches(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", f.mime)
	body := f.plain
	if f.gz != nil {
		body = f.gz
		if acceptsGzip(r) {
			h.Set("Content-Encoding", "gzip")
		} else {
			var err error
			if body, err = decompress(f.gz); err != nil {
				return err
			}
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return nil
	}
	_, _ = w.Write(body) // the caller has gone; nothing to be done
	return nil
}

// contentType names the types of a dashboard itself, because the system's table
// differs from machine to machine.
func contentType(name string, b []byte) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".wasm":
		return "application/wasm"
	case ".woff2":
		return "font/woff2"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return http.DetectContentType(b)
}

func compressible(contentType string) bool {
	return strings.HasPrefix(contentType, "text/") || strings.Contains(contentType, "json") ||
		strings.Contains(contentType, "xml") || strings.Contains(contentType, "wasm")
}

func decompress(gz []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(gz))
	if err != nil {
		return nil, fmt.Errorf("read kept file: %w", err)
	}
	return io.ReadAll(r) // as long as what was compressed
}
