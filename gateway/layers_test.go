package main

import (
	"encoding/json"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// room is one row of the plan: what a package may import of our own code and of
// the heavy libraries. Small libraries (x/..., goleak in tests) are free where
// heavy lists none of them.
type room struct{ own, heavy []string }

// rooms is the whole house. A package that is not here fails the test.
var rooms = map[string]room{
	"streams":               {heavy: []string{"pion/rtp"}},
	"streams/rtsp":          {own: []string{"streams"}, heavy: []string{"gortsplib", "mediacommon", "pion/rtp"}},
	"streams/whep":          {own: []string{"streams"}, heavy: []string{"pion/rtp", "pion/webrtc"}},
	"streams/transcode":     {own: []string{"streams"}},
	"streams/still":         {own: []string{"streams"}, heavy: []string{"mediacommon", "mp4ff"}},
	"streams/record":        {own: []string{"streams"}, heavy: []string{"mediacommon"}},
	"streams/clip":          {own: []string{"streams", "streams/record"}},
	"streams/mark":          {},
	"streams/camsim":        {heavy: []string{"gortsplib", "mediacommon", "pion/rtp"}},
	"streams/camsim/faulty": {},

	"alerts":                 {},
	"alerts/audit":           {own: []string{"alerts"}},
	"alerts/geo":             {own: []string{"alerts"}, heavy: []string{"orb", "rtree"}},
	"alerts/evidence":        {own: []string{"alerts"}},
	"alerts/desk":            {own: []string{"alerts", "alerts/evidence", "alerts/geo"}},
	"alerts/store":           {own: []string{"alerts", "alerts/store/columns"}, heavy: []string{"bun", "goose", "pgx", "sqlite"}},
	"alerts/store/columns":   {own: []string{"alerts"}},
	"alerts/store/fresh":     {own: []string{"alerts/store"}},
	"alerts/store/pgtest":    {heavy: []string{"pgx"}},
	"alerts/store/storetest": {own: []string{"alerts"}},

	"gateway": {own: []string{"alerts", "alerts/audit", "alerts/desk", "alerts/evidence", "alerts/geo", "alerts/store", "configs", "dashboard", "gateway/api", "gateway/auth",
		"gateway/cluster", "gateway/config", "gateway/live", "gateway/objects", "gateway/photos", "gateway/reserve", "gateway/webhooks", "streams", "streams/camsim",
		"streams/clip", "streams/mark", "streams/record", "streams/rtsp", "streams/still", "streams/transcode", "streams/whep"},
		heavy: []string{"kong", "prometheus"}},
	"gateway/config":              {heavy: []string{"koanf", "yaml"}},
	"gateway/auth":                {own: []string{"alerts"}, heavy: []string{"scs", "oidc"}},
	"gateway/api":                 {own: []string{"alerts", "alerts/desk", "gateway/auth", "gateway/sheets"}, heavy: []string{"huma", "prometheus"}},
	"gateway/sheets":              {heavy: []string{"excelize"}},
	"gateway/live":                {own: []string{"alerts", "gateway/auth"}, heavy: []string{"gorilla"}},
	"gateway/cluster":             {own: []string{"alerts"}, heavy: []string{"go-redis"}},
	"gateway/photos":              {own: []string{"alerts"}},
	"gateway/objects":             {own: []string{"alerts"}},
	"gateway/objects/objectstest": {own: []string{"alerts"}},
	"gateway/reserve":             {},
	"gateway/webhooks":            {own: []string{"alerts"}, heavy: []string{"ssrf"}},

	"dashboard":         {},
	"configs":           {own: []string{"alerts"}},
	"configs/demo/draw": {},
}

// heavy names the libraries that have one home, by a part of their path.
var heavy = map[string]string{
	"bluenviron/gortsplib": "gortsplib", "bluenviron/mediacommon": "mediacommon", "Eyevinn/mp4ff": "mp4ff", "pion/rtp": "pion/rtp",
	"pion/webrtc": "pion/webrtc", "pion/ice": "pion/webrtc", "pion/dtls": "pion/webrtc", "pion/sdp": "pion/webrtc",
	"pion/rtcp": "pion/rtp", "pion/interceptor": "pion/webrtc", "pion/logging": "pion/webrtc", "pion/srtp": "pion/webrtc",
	"paulmach/orb": "orb", "tidwall/rtree": "rtree", "uptrace/bun": "bun", "pressly/goose": "goose", "modernc.org/sqlite": "sqlite",
	"jackc/pgx": "pgx", "knadh/koanf": "koanf", "go.yaml.in/yaml": "yaml", "alexedwards/scs": "scs", "danielgtaylor/huma": "huma",
	"prometheus/client_golang": "prometheus", "gorilla/websocket": "gorilla", "redis/go-redis": "go-redis", "alecthomas/kong": "kong",
	"database/sql": "bun", "code.dny.dev/ssrf": "ssrf", "coreos/go-oidc": "oidc", "golang.org/x/oauth2": "oidc", "xuri/excelize": "excelize",
}

type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func TestLayers(t *testing.T) {
	const module = "sharpeyes/"
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "sharpeyes/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		seen[name] = true
		r, ok := rooms[name]
		if !ok {
			t.Errorf("%s: not in the plan: give it a row here and in the design", name)
			continue
		}
		for _, imp := range p.Imports {
			if own, ok := strings.CutPrefix(imp, module); ok && !slices.Contains(r.own, own) {
				t.Errorf("%s must not import %s", name, own)
			}
			if h := heavyName(imp); h != "" && !slices.Contains(r.heavy, h) {
				t.Errorf("%s must not import %s (%s has its home elsewhere)", name, imp, h)
			}
		}
		// Tests may bring a real store or camera, but streams and alerts stay
		// strangers there too.
		for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
			own, ok := strings.CutPrefix(imp, module)
			if a, b := top(name), top(own); ok && a != b && a != "gateway" && b != "configs" {
				t.Errorf("tests of %s must not import %s", name, own)
			}
		}
	}
	for name := range rooms {
		if !seen[name] {
			t.Errorf("%s: in the plan, but not in the house", name)
		}
	}
}

func heavyName(imp string) string {
	for part, name := range heavy {
		if strings.Contains(imp, part) {
			return name
		}
	}
	return ""
}

func top(p string) string {
	for path.Dir(p) != "." {
		p = path.Dir(p)
	}
	return p
}
