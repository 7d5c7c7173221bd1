package desk

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sharpeyes/alerts"
)

var idPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

const minPublicRetention = 30 // days, 国令 799 art. 17

// cameraOf checks a new camera's input, all but its area, and makes the camera
// and the credentials that it came with.
func (d *Desk) cameraOf(in CameraInput) (c alerts.Camera, login alerts.Credentials, f faults) {
	defaults(&in)
	c = alerts.Camera{ID: in.ID, AreaID: in.AreaID, Height: in.Height, Azimuth: in.Azimuth, FOV: in.FOV, Range: in.Range,
		Class: in.Class, Retention: in.Retention, Transport: in.Transport, Mode: in.Mode, Enabled: *in.Enabled}
	if c.ID == "" {
		c.ID = alerts.NewID(d.now())
	}
	c.Name, c.Owner, c.Purpose, c.Filing = in.Name, in.Owner, in.Purpose, in.Filing
	c.Point, c.Given, c.System = f.place(in.Lon, in.Lat, in.System)
	login = alerts.Credentials{Username: in.Username, Password: in.Password}
	c.MainURL = f.streamURL("main_url", in.MainURL, &login)
	if in.SubURL != "" {
		c.SubURL = f.streamURL("sub_url", in.SubURL, &login)
	}
	f.plan(&c.Record, in.Record)
	f.camera(&c)
	f.login(login)
	return c, login, f
}

func defaults(in *CameraInput) {
	if in.Class == 0 {
		in.Class = alerts.PublicCamera
	}
	if in.Retention == 0 {
		in.Retention = minPublicRetention
	}
	if in.Transport == "" {
		in.Transport = "tcp"
	}
	if in.Mode == "" {
		in.Mode = alerts.OnDemand
	}
	if in.Enabled == nil {
		on := true
		in.Enabled = &on
	}
}

// camera checks the fields that a camera is kept with, and trims its texts.
func (f *faults) camera(c *alerts.Camera) {
	f.pattern("id", c.ID, idPattern, "1 to 64 letters, digits, dots, dashes or underscores")
	c.Name = f.line("name", c.Name, true, 100)
	c.Owner = f.line("owner", c.Owner, false, 200)
	c.Purpose = f.lines("purpose", c.Purpose, false, 500)
	c.Filing = f.line("filing", c.Filing, false, 100)
	f.between("height_m", c.Height, 0, 1000)
	f.between("azimuth_deg", c.Azimuth, 0, 360)
	f.between("fov_deg", c.FOV, 0, 360)
	f.between("range_m", c.Range, 0, 10000)
	if c.Class < alerts.PublicCamera || c.Class > alerts.PrivateCamera {
		f.add("class", "must be 1 (public), 2 (important unit) or 3 (private)")
	}
	switch {
	case c.Retention < 1 || c.Retention > 3650:
		f.add("retention_days", "must be 1 to 3650")
	case c.Class == alerts.PublicCamera && c.Retention < minPublicRetention:
		f.add("retention_days", "must be at least %d for a camera of class 1: footage of public places is kept that long (国令 799, art. 17)", minPublicRetention)
	}
	if c.Class == alerts.PublicCamera && c.Record.Bytes > 0 {
		f.add("record.bytes", "must be 0 for a camera of class 1: a limit could delete footage of a public place before its %d days", minPublicRetention)
	}
	if c.SubURL == "" && c.Record.Mode != "" && c.Record.Mode != alerts.RecordOff && slices.Contains(c.Record.Profiles, "sub") {
		f.add("record.profiles", "names the sub stream, and the camera has none: give sub_url, too, or leave sub out")
	}
	f.oneOf("transport", c.Transport, "tcp", "udp")
	f.oneOf("mode", string(c.Mode), string(alerts.OnDemand), string(alerts.Always))
}

// streamURL checks a stream's address and takes a user name and password out of
// it. They must not differ from those in login. No message repeats the address:
// it may hold a password.
func (f *faults) streamURL(field, raw string, login *alerts.Credentials) string {
	const want = "must be rtsp://host:port/path or rtsps://host:port/path, with user name and password in their own fields"
	u, err := url.Parse(raw)
	if err != nil || len(raw) > 1000 || u.Opaque != "" || !validHost(u) || (u.Scheme != "rtsp" && u.Scheme != "rtsps") {
		f.add(field, want)
		return ""
	}
	if strings.ContainsFunc(raw, hidden) || strings.Contains(raw, "#") || !utf8.ValidString(raw) {
		f.add(field, "must be text without control characters and without a part after #")
		return ""
	}
	if u.User != nil {
		password, _ := u.User.Password()
		in := alerts.Credentials{Username: u.User.Username(), Password: password}
		switch {
		case *login == alerts.Credentials{}:
			*login = in
		case *login != in:
			f.add(field, "names another user name or password than the other fields: give them once, in username and password")
		}
		u.User = nil
	}
	return u.String()
}

var hostPattern = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})$`)

func validHost(u *url.URL) bool {
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
	}
	if hostPattern.MatchString(u.Hostname()) {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.Zone() == ""
}

func (f *faults) login(c alerts.Credentials) {
	if f.line("username", c.Username, false, 200) != c.Username {
		f.add("username", "must not begin or end with a space")
	}
	if f.line("password", c.Password, false, 200) != c.Password {
		f.add("password", "must not begin or end with a space")
	}
	if c.Username == "" && c.Password != "" {
		f.add("username", "must be given with a password")
	}
}

// seal encrypts credentials; none are kept as nothing.
func (d *Desk) seal(c alerts.Credentials) ([]byte, error) {
	if c == (alerts.Credentials{}) {
		return nil, nil
	}
	if d.Vault == nil {
		return nil, alerts.Errorf(alerts.Unavailable, "this gateway has no key to keep camera passwords with: set one in its configuration")
	}
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("desk: seal credentials: %w", err)
	}
	sealed, err := d.Vault.Seal(plain)
	if err != nil {
		return nil, fmt.Errorf("desk: seal credentials: %w", err)
	}
	return sealed, nil
}

// unseal decrypts credentials. Its error holds nothing of them.
func (d *Desk) unseal(sealed []byte) (c alerts.Credentials, err error) {
	if len(sealed) == 0 {
		return c, nil
	}
	if d.Vault == nil {
		return c, alerts.Errorf(alerts.Unavailable, "this gateway has no key to open camera passwords with: set the one they were kept with")
	}
	plain, err := d.Vault.Open(sealed)
	if err != nil {
		return c, &alerts.Error{Kind: alerts.Unavailable, Err: err,
			Message: "the camera's password was kept with another key: set that key, or enter the password again"}
	}
	if err := json.Unmarshal(plain, &c); err != nil {
		return alerts.Credentials{}, errSealed
	}
	return c, nil
}

// patched applies a patch to a camera; login is what it signs in with, known
// only where the patch changes it.
func (f *faults) patched(c *alerts.Camera, in CameraPatch, login *alerts.Credentials) {
	set(&c.Name, in.Name)
	set(&c.AreaID, in.AreaID)
	set(&c.Height, in.Height)
	set(&c.Azimuth, in.Azimuth)
	set(&c.FOV, in.FOV)
	set(&c.Range, in.Range)
	set(&c.Class, in.Class)
	set(&c.Owner, in.Owner)
	set(&c.Purpose, in.Purpose)
	set(&c.Filing, in.Filing)
	set(&c.Retention, in.Retention)
	set(&c.Transport, in.Transport)
	set(&c.Mode, in.Mode)
	set(&c.Enabled, in.Enabled)
	if in.Record != nil {
		f.plan(&c.Record, in.Record)
	}
	switch {
	case in.Lon != nil && in.Lat != nil:
		var system alerts.CoordSystem
		set(&system, in.System)
		c.Point, c.Given, c.System = f.place(*in.Lon, *in.Lat, system)
	case in.Lon != nil || in.Lat != nil || in.System != nil:
		f.add("lon", "lon and lat are changed together, in the system given with them")
	}
	set(&login.Username, in.Username)
	set(&login.Password, in.Password)
	given := alerts.Credentials{}
	if in.Username != nil || in.Password != nil {
		given = *login
	}
	hosts := map[string]bool{host(c.MainURL): true, host(c.SubURL): true, "": true}
	if in.MainURL != nil {
		c.MainURL = f.streamURL("main_url", *in.MainURL, &given)
	}
	if in.SubURL != nil {
		if c.SubURL = ""; *in.SubURL != "" {
			c.SubURL = f.streamURL("sub_url", *in.SubURL, &given)
		}
	}
	if given != (alerts.Credentials{}) {
		*login = given
	} else if len(c.Sealed) > 0 && in.Username == nil && !(hosts[host(c.MainURL)] && hosts[host(c.SubURL)]) {
		// Else whoever may change a camera could have its password sent to himself.
		f.add("password", "the address names another host: give user name and password again, or empty ones for none")
	}
	f.camera(c)
	f.login(*login)
}

// host returns whom an address connects to.
func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
