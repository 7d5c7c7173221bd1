package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

// Bounds of uploads.
const (
	maxPhotos   = 6
	photoBytes  = 10 << 20 // of each; kept by Photos, and the whole form is bounded by it here
	fieldBytes  = 16 << 10 // of one form field
	maxParts    = 32
	photosField = "photos"

	uploadsAtOnce = 16 // of everybody
	uploadsOfUser = 2
)

// uploads bounds reports with photos that are being read. Reports without wait
// in the store's queue.
type uploads struct {
	mu    sync.Mutex
	all   int
	users map[string]int
}

func newUploads() *uploads { return &uploads{users: make(map[string]int)} }

// begin counts one upload of a user in until the func returned is called.
func (u *uploads) begin(user string) (func(), error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.users[user] >= uploadsOfUser {
		return nil, alerts.Errorf(alerts.TooMany, "%d reports of this account are being sent already", uploadsOfUser)
	}
	if u.all >= uploadsAtOnce {
		return nil, alerts.Errorf(alerts.TooMany, "too many reports are being sent at the moment")
	}
	u.all++
	u.users[user]++
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.all--
		if u.users[user]--; u.users[user] == 0 {
			delete(u.users, user)
		}
	}, nil
}

// readReport reads a report in either form. Photos in what it returns are kept
// already, also where it fails.
func (a *API) readReport(r *http.Request) (desk.ReportInput, error) {
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && mediaType == "application/json":
		var in desk.ReportInput
		return in, a.readJSON(http.MaxBytesReader(nil, r.Body, smallBody), &in)
	case err == nil && mediaType == "multipart/form-data" && params["boundary"] != "":
		release, err := a.uploads.begin(principalOf(r.Context()).User.ID)
		if err != nil {
			return desk.ReportInput{}, err
		}
		defer release()
		return a.readForm(r, params["boundary"])
	}
	return desk.ReportInput{}, alerts.Errorf(alerts.Unsupported, "send application/json or multipart/form-data")
}

// closing looks for the closing delimiter of a form (RFC 2046, 5.1.1) on its
// way: multipart.Reader takes some forms that are cut short for complete ones.
type closing struct {
	r    io.Reader
	want []byte
	tail []byte // less than want, from the end of what was read
	seen bool
}

func (c *closing) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if !c.seen {
		c.tail = append(c.tail, p[:n]...)
		c.seen = bytes.Contains(c.tail, c.want)
		if keep := len(c.want) - 1; len(c.tail) > keep {
			c.tail = append(c.tail[:0], c.tail[len(c.tail)-keep:]...)
		}
	}
	return n, err
}

// readJSON reads a body and checks it against its schema as huma does, for
// handlers that huma does not call.
func (a *API) readJSON(body io.Reader, into *desk.ReportInput) error {
	b, err := io.ReadAll(body)
	if err != nil {
		return bodyError(err)
	}
	var parsed any
	if err := json.Unmarshal(b, &parsed); err != nil {
		return newProblem(http.StatusBadRequest, alerts.Invalid, "the body is not valid JSON: "+err.Error())
	}
	registry := a.huma.OpenAPI().Components.Schemas
	schema := registry.Schema(typeOf[desk.ReportInput](), true, "")
	result, path := &huma.ValidateResult{}, huma.NewPathBuffer(nil, 0)
	path.Push("body")
	huma.Validate(registry, schema, path, huma.ModeWriteToServer, parsed, result)
	if len(result.Errors) > 0 {
		return fromHuma(http.StatusUnprocessableEntity, "validation failed", result.Errors)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fromHuma(http.StatusUnprocessableEntity, "validation failed",
			[]error{&huma.ErrorDetail{Location: "body", Message: err.Error()}})
	}
	return nil
}

// bodyError is for errors of reading a body: what is no error of the connection
// is one of the caller's.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	var own *alerts.Error
	if errors.As(err, &tooLarge) || errors.As(err, &own) || isTimeout(err) {
		return err
	}
	return newProblem(http.StatusBadRequest, alerts.Invalid, "the body cannot be read: it is cut short or not as its headers say")
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// readForm reads a multipart report as it comes, photos straight to their files.
func (a *API) readForm(r *http.Request, boundary string) (desk.ReportInput, error) {
	var in desk.ReportInput
	body := &closing{r: r.Body, want: []byte("--" + boundary + "--")}
	form := multipart.NewReader(body, boundary)
	f := formFields{in: &in, seen: make(map[string]bool)}
	for parts := 0; ; parts++ {
		part, err := form.NextPart()
		if err == io.EOF && body.seen { // bare: a wrapped one is a form cut short
			return in, f.complete()
		}
		if err != nil {
			return in, bodyError(err)
		}
		if parts >= maxParts {
			return in, alerts.Errorf(alerts.TooLarge, "the form has more than %d parts", maxParts)
		}
		if part.FormName() != photosField {
			if err := f.read(part); err != nil {
				return in, err
			}
			continue
		}
		if len(in.Photos) >= maxPhotos {
			return in, alerts.InvalidField(photosField, "at most %d photos", maxPhotos)
		}
		photo, err := a.photos.Accept(r.Context(), part)
		if err != nil {
			return in, photoError(len(in.Photos)+1, err)
		}
		in.Photos = append(in.Photos, photo)
	}
}

// photoError says which photo is meant.
func photoError(n int, err error) error {
	var e *alerts.Error
	if !errors.As(err, &e) {
		return bodyError(err)
	}
	field := fmt.Sprintf("%s[%d]", photosField, n-1)
	return &alerts.Error{Kind: e.Kind, Message: field + ": " + e.Message,
		Faults: []alerts.Fault{{Field: field, Message: e.Message}}, Err: e.Err}
}

// formFields reads the fields of a report from a form.
type formFields struct {
	in     *desk.ReportInput
	seen   map[string]bool
	faults []alerts.Fault
}

func (f *formFields) read(part *multipart.Part) error {
	name := part.FormName()
	b, err := io.ReadAll(io.LimitReader(part, fieldBytes+1))
	if err != nil {
		return bodyError(err)
	}
	value := string(b)
	switch {
	case len(b) > fieldBytes:
		return alerts.Errorf(alerts.TooLarge, "a field of the form may have at most %d bytes", fieldBytes)
	case !utf8.Valid(b):
		f.fault(name, "must be UTF-8 text")
	case f.seen[name]:
		f.fault(name, "may come once")
	default:
		f.seen[name] = true
		f.set(name, value)
	}
	return nil
}

func (f *formFields) fault(field, message string) {
	f.faults = append(f.faults, alerts.Fault{Field: cut(field, 64), Message: message})
}

func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "?")
}

func (f *formFields) set(name, value string) {
	switch name {
	case "category":
		f.in.Category = value
	case "text":
		f.in.Text = value
	case "lon":
		f.number(name, value, &f.in.Lon)
	case "lat":
		f.number(name, value, &f.in.Lat)
	case "accuracy_m":
		if value != "" {
			f.number(name, value, &f.in.Accuracy)
		}
	case "system":
		system, err := coordSystem(value)
		if err != nil {
			f.fault(name, "must be wgs84, gcj02 or bd09")
		}
		f.in.System = system
	case "address":
		f.in.Address = value
	case "against":
		f.in.Against = value
	case "channel":
		f.in.Channel = alerts.Channel(value)
	case "alert_id":
		f.in.AlertID = value
	case "direct":
		switch value {
		case "true", "1":
			f.in.Direct = true
		case "", "false", "0":
		default:
			f.fault(name, "must be true or false")
		}
	default:
		f.fault(name, "there is no such field; leave it out or check its spelling")
	}
}

func (f *formFields) number(name, value string, into *float64) {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || n-n != 0 { // not finite
		f.fault(name, "must be a number")
		return
	}
	*into = n
}

// complete reports every fault at once.
func (f *formFields) complete() error {
	for _, name := range []string{"category", "text", "lon", "lat"} {
		if !f.seen[name] {
			f.fault(name, "is required")
		}
	}
	switch len(f.faults) {
	case 0:
		return nil
	case 1:
		return alerts.InvalidField(f.faults[0].Field, "%s", f.faults[0].Message)
	}
	return &alerts.Error{Kind: alerts.Invalid, Faults: f.faults,
		Message: fmt.Sprintf("%d faults in the form, see errors", len(f.faults))}
}
