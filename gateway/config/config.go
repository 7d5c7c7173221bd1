// Package config is the one struct of settings, its defaults and its
// validation. Every key can be set in a YAML file and by an environment
// variable: SHARPEYES_HTTP_LISTEN for http.listen. Only main imports it.
package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/knadh/koanf/v2"
	"go.yaml.in/yaml/v3"
)

// Config is every setting.
type Config struct {
	DataDir string `koanf:"data_dir"`
	HTTP    struct {
		Listen         string   `koanf:"listen"`
		TLSCert        string   `koanf:"tls_cert"`        // PEM file; with it and the key the server speaks TLS
		TLSKey         string   `koanf:"tls_key"`         // PEM file
		TrustedProxies []string `koanf:"trusted_proxies"` // networks whose X-Forwarded-For and -Proto count
	} `koanf:"http"`
	WebRTC struct {
		UDPListen  string   `koanf:"udp_listen"`
		TCPListen  string   `koanf:"tcp_listen"` // ICE over TCP; empty: off
		PublicIPs  []string `koanf:"public_ips"` // addresses that viewers reach, beside the machine's own
		MaxViewers int      `koanf:"max_viewers"`
	} `koanf:"webrtc"`
	Cameras struct {
		Networks []string      `koanf:"networks"` // cameras may be reached in these alone
		Linger   time.Duration `koanf:"linger"`   // an on-demand pull outlives its last viewer by this
	} `koanf:"cameras"`
	RTSP struct {
		PerHost  int     `koanf:"per_host"`  // connections to one address: a recorder has many cameras and few places
		DialRate float64 `koanf:"dial_rate"` // dials of one address in a second
	} `koanf:"rtsp"`
	Transcode struct {
		FFmpeg   string `koanf:"ffmpeg"`   // program or path
		Max      int    `koanf:"max"`      // pictures transcoded at a time, and four times as many sounds; 0: none
		Hardware bool   `koanf:"hardware"` // use the machine's encoder where it has one that works
	} `koanf:"transcode"`
	Record struct {
		Disks   []string      `koanf:"disks"`   // folders, one a disk; empty: record in data_dir
		Segment time.Duration `koanf:"segment"` // length of a file
		Days    int           `koanf:"days"`    // most of any camera's days, 0: as each camera says
		Bytes   int64         `koanf:"bytes"`   // of all cameras, 0: what the disks take
		Spare   int64         `koanf:"spare"`   // bytes left free on each disk; below it the oldest goes
	} `koanf:"record"`
	Store struct {
		URL          string `koanf:"url"`           // postgres://...; empty: a file in data_dir
		PasswordFile string `koanf:"password_file"` // holds the password for url, and nothing else
	} `koanf:"store"`
	Evidence struct {
		Dir         string        `koanf:"dir"`          // folder of clips and copies; empty: objects in data_dir
		HoldBefore  time.Duration `koanf:"hold_before"`  // footage kept before the report of a case
		HoldAfter   time.Duration `koanf:"hold_after"`   // and after it; both 0: none is
		HoldExpire  time.Duration `koanf:"hold_expire"`  // for so long, unless it is reviewed
		HoldRelease time.Duration `koanf:"hold_release"` // after the case was closed
	} `koanf:"evidence"`
	Audit struct {
		HeadDir string `koanf:"head_dir"` // folder that the audit's heads are noted in; empty: data_dir
	} `koanf:"audit"`
	Redis struct {
		URL    string `koanf:"url"` // redis://...; empty: one node, in process
		Prefix string `koanf:"prefix"`
	} `koanf:"redis"`
	Session struct {
		Idle     time.Duration `koanf:"idle"`
		Absolute time.Duration `koanf:"absolute"`
	} `koanf:"session"`
	Log struct {
		Level  string `koanf:"level"`  // debug, info, warn, error
		Format string `koanf:"format"` // text or json
	} `koanf:"log"`
	Metrics struct {
		Token    string   `koanf:"token"`    // for all of /metrics, as a bearer token; empty: none does
		Networks []string `koanf:"networks"` // who in them asks by our IP address gets all of /metrics without it
	} `koanf:"metrics"`
	Webhooks     Webhooks `koanf:"webhooks"`
	OIDC         OIDC     `koanf:"oidc"`
	NumberPrefix string   `koanf:"number_prefix"` // before the date in incident numbers
	Basemap      string   `koanf:"basemap"`       // GeoJSON file; empty: basemap.geojson in data_dir
}

// Default returns the settings of a single machine.
func Default() Config {
	var c Config
	c.DataDir = "data"
	c.HTTP.Listen = ":8080"
	c.WebRTC.UDPListen = ":8189"
	c.WebRTC.TCPListen = ":8189"
	c.WebRTC.MaxViewers = 1000
	c.Cameras.Networks = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"}
	c.Cameras.Linger = 30 * time.Second
	c.RTSP.PerHost, c.RTSP.DialRate = 64, 10
	c.Transcode.FFmpeg, c.Transcode.Max, c.Transcode.Hardware = "ffmpeg", max(1, runtime.NumCPU()/2), true
	c.Record.Segment, c.Record.Spare = time.Minute, 5<<30
	c.Evidence.HoldBefore, c.Evidence.HoldAfter = 30*time.Minute, 30*time.Minute
	c.Evidence.HoldExpire, c.Evidence.HoldRelease = 90*24*time.Hour, 30*24*time.Hour
	c.Redis.Prefix = "sharpeyes"
	c.Session.Idle = 8 * time.Hour
	c.Session.Absolute = 24 * time.Hour
	c.Log.Level, c.Log.Format = "info", "text"
	c.OIDC.Claim = "preferred_username"
	return c
}

// envPrefix begins every environment variable of ours. AdminPassword is no
// setting: it is read once, by main, and never kept.
const (
	envPrefix     = "SHARPEYES_"
	AdminPassword = envPrefix + "ADMIN_PASSWORD"
)

// Load reads a YAML file (none where path is empty), then the environment
// (os.Environ form), over the defaults, and validates the whole.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	k := koanf.New(".")
	known := keys(c)
	if path != "" {
		raw, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("config file: %w", err)
		}
		if err := k.Load(fixed{raw: raw}, yamlParser{}); err != nil {
			return c, fmt.Errorf("config file %s: %w", path, err)
		}
		for _, key := range k.Keys() {
			if !slices.Contains(known, key) {
				return c, fmt.Errorf("config file %s: unknown key %q%s", path, key, suggest(key, known))
			}
		}
	}
	fromEnv, err := environment(environ, known)
	if err != nil {
		return c, err
	}
	if err := k.Load(fixed{values: fromEnv}, nil); err != nil {
		return c, err
	}
	if err := k.Unmarshal("", &c); err != nil {
		return c, fmt.Errorf("config: %w", err)
	}
	return c, c.Validate()
}

// Validate checks every setting and names the key of the first that is wrong.
func (c Config) Validate() error {
	if c.DataDir == "" {
		return fmt.Errorf("data_dir: must name a folder")
	}
	for key, addr := range map[string]string{"http.listen": c.HTTP.Listen, "webrtc.udp_listen": c.WebRTC.UDPListen, "webrtc.tcp_listen": c.WebRTC.TCPListen} {
		if addr == "" && key == "webrtc.tcp_listen" {
			continue
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return fmt.Errorf("%s: %q must be an address like :8080 or 127.0.0.1:8080", key, addr)
		}
	}
	if (c.HTTP.TLSCert == "") != (c.HTTP.TLSKey == "") {
		return fmt.Errorf("http.tls_cert and http.tls_key: set both or neither")
	}
	for key, list := range map[string][]string{"http.trusted_proxies": c.HTTP.TrustedProxies, "cameras.networks": c.Cameras.Networks,
		"metrics.networks": c.Metrics.Networks, "webhooks.networks": c.Webhooks.Networks} {
		if _, err := Prefixes(list); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	if err := c.validateRecord(); err != nil {
		return err
	}
	if err := c.validateStore(); err != nil {
		return err
	}
	if err := c.OIDC.validate(); err != nil {
		return err
	}
	if c.Webhooks.Private && len(c.Webhooks.Networks) == 0 {
		return fmt.Errorf("webhooks.private: nothing can be called without webhooks.networks")
	}
	if !validToken(c.Metrics.Token) {
		return fmt.Errorf("metrics.token: must be %d to %d letters, digits or signs without spaces", minToken, maxToken)
	}
	for _, ip := range c.WebRTC.PublicIPs {
		if _, err := netip.ParseAddr(ip); err != nil {
			return fmt.Errorf("webrtc.public_ips: %q must be an IP address", ip)
		}
	}
	if c.WebRTC.MaxViewers < 1 || c.WebRTC.MaxViewers > 100_000 {
		return fmt.Errorf("webrtc.max_viewers: must be 1 to 100000")
	}
	if c.RTSP.PerHost < 1 || c.RTSP.PerHost > 100_000 {
		return fmt.Errorf("rtsp.per_host: must be 1 to 100000")
	}
	if !(c.RTSP.DialRate >= 0.1 && c.RTSP.DialRate <= 1000) {
		return fmt.Errorf("rtsp.dial_rate: must be 0.1 to 1000 a second")
	}
	if c.Transcode.Max < 0 || c.Transcode.Max > 64 {
		return fmt.Errorf("transcode.max: must be 0 to 64 pictures at a time")
	}
	if c.Transcode.FFmpeg == "" {
		return fmt.Errorf("transcode.ffmpeg: must name the program; transcode.max: 0 switches transcoding off")
	}
	for key, d := range map[string]time.Duration{"cameras.linger": c.Cameras.Linger, "session.idle": c.Session.Idle, "session.absolute": c.Session.Absolute} {
		if d <= 0 {
			return fmt.Errorf("%s: must be a duration above zero, such as 30s", key)
		}
	}
	if e := c.Evidence; e.HoldBefore < 0 || e.HoldAfter < 0 || e.HoldBefore+e.HoldAfter > 24*time.Hour {
		return fmt.Errorf("evidence.hold_before and evidence.hold_after: must be 0 or more, and at most 24h together")
	} else if e.HoldExpire < time.Hour || e.HoldExpire > 366*24*time.Hour || e.HoldRelease < 0 || e.HoldRelease > 366*24*time.Hour {
		return fmt.Errorf("evidence.hold_expire must be 1h to 8784h, evidence.hold_release 0 to 8784h")
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		return fmt.Errorf("log.level: must be debug, info, warn or error")
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		return fmt.Errorf("log.format: must be text or json")
	}
	return nil
}

// leastDays is how long footage of public places is kept at the least
// (国令 799, art. 17).
const leastDays = 30

func (c Config) validateRecord() error {
	r := c.Record
	for _, disk := range r.Disks {
		if !filepath.IsAbs(disk) {
			return fmt.Errorf("record.disks: %q must be a folder's whole path, such as /disks/1", disk)
		}
	}
	if len(r.Disks) != len(slices.Compact(slices.Sorted(slices.Values(r.Disks)))) {
		return fmt.Errorf("record.disks: each folder may be named once")
	}
	if r.Segment < 10*time.Second || r.Segment > 10*time.Minute {
		return fmt.Errorf("record.segment: must be 10s to 10m")
	}
	if r.Days < 0 || r.Days > 0 && r.Days < leastDays {
		return fmt.Errorf("record.days: must be 0 (as each camera says) or at least %d: footage of public places is kept that long", leastDays)
	}
	if r.Bytes < 0 || r.Spare < 0 {
		return fmt.Errorf("record.bytes and record.spare: must not be negative")
	}
	return nil
}

// validateStore says nothing of the address itself: there may be a password in it.
func (c Config) validateStore() error {
	if c.Store.URL == "" {
		if c.Store.PasswordFile != "" {
			return fmt.Errorf("store.password_file: set store.url, too")
		}
		return nil
	}
	u, err := url.Parse(c.Store.URL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return fmt.Errorf("store.url: must look like postgres://user@host:5432/database, with other signs than letters and digits as %%2F and the like")
	}
	if _, given := u.User.Password(); (given || u.Query().Has("password")) && c.Store.PasswordFile != "" {
		return fmt.Errorf("store.url and store.password_file: only one may hold the password")
	}
	return nil
}

// Bounds of a token: what is shorter can be guessed.
const (
	minToken = 16
	maxToken = 256
)

// validToken tells whether a token can be sent in a header; an empty one is none.
func validToken(s string) bool {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	return s == "" || len(s) >= minToken && len(s) <= maxToken && !strings.ContainsFunc(s, odd)
}

// Prefixes parses networks; a lone address counts as itself.
func Prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, err := netip.ParseAddr(s)
			if err != nil {
				return nil, fmt.Errorf("%q must be a network like 10.0.0.0/8", s)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// environment picks our variables. A misspelt one is an error, not a surprise.
func environment(environ, known []string) (map[string]any, error) {
	byName := map[string]string{}
	for _, k := range known {
		byName[envName(k)] = k
	}
	out := map[string]any{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, envPrefix) || name == AdminPassword {
			continue
		}
		key, ok := byName[name]
		if !ok {
			return nil, fmt.Errorf("environment variable %s: no such setting%s", name, suggest(strings.ToLower(strings.TrimPrefix(name, envPrefix)), known))
		}
		out[key] = value
		if isList(key) {
			out[key] = splitList(value)
		}
	}
	return out, nil
}

func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// suggest names the known key that shares the longest beginning or end.
func suggest(key string, known []string) string {
	best, score := "", 3
	for _, k := range known {
		n := 0
		for n < len(k) && n < len(key) && k[n] == key[n] {
			n++
		}
		m := 0
		for m < len(k) && m < len(key) && k[len(k)-1-m] == key[len(key)-1-m] {
			m++
		}
		if max(n, m) > score {
			best, score = k, max(n, m)
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// fixed is a koanf.Provider of bytes or values.
type fixed struct {
	raw    []byte
	values map[string]any
}

// ReadBytes implements koanf.Provider.
func (f fixed) ReadBytes() ([]byte, error) { return f.raw, nil }

// Read implements koanf.Provider; keys are dotted paths.
func (f fixed) Read() (map[string]any, error) {
	out := map[string]any{}
	paths := make([]string, 0, len(f.values))
	for p := range f.values {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	for _, p := range paths {
		at, parts := out, strings.Split(p, ".")
		for _, part := range parts[:len(parts)-1] {
			next, ok := at[part].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[part] = next
			}
			at = next
		}
		at[parts[len(parts)-1]] = f.values[p]
	}
	return out, nil
}

// yamlParser is a koanf.Parser over the maintained YAML library.
type yamlParser struct{}

// Unmarshal implements koanf.Parser.
func (yamlParser) Unmarshal(b []byte) (map[string]any, error) {
	var m map[string]any
	err := yaml.Unmarshal(b, &m)
	return m, err
}

// Marshal implements koanf.Parser.
func (yamlParser) Marshal(m map[string]any) ([]byte, error) { return yaml.Marshal(m) }
