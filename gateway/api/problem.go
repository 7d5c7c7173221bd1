package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

// Problem is an error as callers see it: an RFC 9457 problem document with the
// kind and, for inputs, what is wrong with them.
type Problem struct {
	Type   string         `json:"type" doc:"Always about:blank" example:"about:blank"`
	Title  string         `json:"title" doc:"The status in words" example:"Unprocessable Entity"`
	Status int            `json:"status" doc:"HTTP status" example:"422"`
	Detail string         `json:"detail" doc:"What is wrong and what to do" example:"name: is required"`
	Kind   alerts.Kind    `json:"kind" enum:"invalid,unauthenticated,forbidden,not_found,conflict,too_large,unsupported,too_many,unavailable,internal" doc:"What the caller can do about it"`
	Errors []alerts.Fault `json:"errors,omitempty" doc:"Each fault of an input"`

	OpenMoves []desk.MoveOption `json:"open_moves,omitempty" doc:"Of a refused move in a case: the moves that are open to the caller now"`

	header http.Header
}

// statusOf is the table of kinds and HTTP statuses.
func statusOf(k alerts.Kind) int {
	switch k {
	case alerts.Invalid:
		return http.StatusUnprocessableEntity
	case alerts.Unauthenticated:
		return http.StatusUnauthorized
	case alerts.Forbidden:
		return http.StatusForbidden
	case alerts.NotFound:
		return http.StatusNotFound
	case alerts.Conflict:
		return http.StatusConflict
	case alerts.TooLarge:
		return http.StatusRequestEntityTooLarge
	case alerts.Unsupported:
		return http.StatusUnsupportedMediaType
	case alerts.TooMany:
		return http.StatusTooManyRequests
	case alerts.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// kindOf is the way back, for statuses that others chose.
func kindOf(status int) alerts.Kind {
	switch status {
	case http.StatusUnauthorized:
		return alerts.Unauthenticated
	case http.StatusForbidden:
		return alerts.Forbidden
	case http.StatusNotFound:
		return alerts.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return alerts.Conflict
	case http.StatusRequestEntityTooLarge:
		return alerts.TooLarge
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable, http.StatusMethodNotAllowed:
		return alerts.Unsupported
	case http.StatusTooManyRequests:
		return alerts.TooMany
	case http.StatusServiceUnavailable:
		return alerts.Unavailable
	}
	if status >= 400 && status < 500 {
		return alerts.Invalid
	}
	return alerts.Internal
}

func newProblem(status int, kind alerts.Kind, detail string, faults ...alerts.Fault) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Kind: kind, Errors: faults}
}

// Error, GetStatus, GetHeaders and ContentType are what huma wants of an error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that go with the problem.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType returns the media type of problem documents.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// problemOf makes a problem of an error and logs what the caller may not see.
func problemOf(ctx context.Context, log *slog.Logger, err error) *Problem {
	var (
		p        *Problem
		e        *alerts.Error
		tooLarge *http.MaxBytesError
		timeout  net.Error
		syntax   *json.SyntaxError
	)
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &e):
		p = newProblem(statusOf(e.Kind), e.Kind, e.Message, e.Faults...)
		if p.Status >= 500 && e.Err != nil {
			log.ErrorContext(ctx, "request failed", "err", err, "request", requestID(ctx))
		}
		p.retryAfter(err)
	case errors.As(err, &tooLarge):
		p = newProblem(http.StatusRequestEntityTooLarge, alerts.TooLarge,
			fmt.Sprintf("the body may have at most %d bytes", tooLarge.Limit))
	case errors.As(err, &syntax):
		p = newProblem(http.StatusBadRequest, alerts.Invalid, "the body is not valid JSON: "+syntax.Error())
	case errors.As(err, &timeout) && timeout.Timeout():
		p = newProblem(http.StatusRequestTimeout, alerts.Invalid, "the body came too slowly")
	case errors.Is(err, context.Canceled):
		p = newProblem(http.StatusServiceUnavailable, alerts.Unavailable, "the request was given up")
	default:
		log.ErrorContext(ctx, "request failed", "err", err, "request", requestID(ctx))
		p = newProblem(http.StatusInternalServerError, alerts.Internal,
			"something went wrong here; it is in the log as request "+requestID(ctx))
	}
	return p
}

// retryAfter sets the header of that name from the error's cause (RFC 9110,
// 10.2.3).
func (p *Problem) retryAfter(err error) {
	wait := time.Duration(0)
	var after interface{ RetryAfter() time.Duration }
	switch {
	case errors.As(err, &after):
		wait = after.RetryAfter()
	case p.Kind == alerts.TooMany:
		wait = defaultRetry
	}
	if wait > 0 {
		p.setHeader("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
}

const defaultRetry = 5 * time.Second

func (p *Problem) setHeader(key, value string) {
	if p.header == nil {
		p.header = make(http.Header)
	}
	p.header.Set(key, value)
}

// write sends the problem from a plain handler.
func (p *Problem) write(w http.ResponseWriter) {
	for k, values := range p.header {
		w.Header()[k] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller has gone; nothing to be done
}

// errorShape makes huma's own errors problems, too. huma keeps its constructor
// in package variables; they are set once, to the same funcs for every API.
var errorShape sync.Once

func useProblems() {
	errorShape.Do(func() {
		huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
			return fromHuma(status, msg, errs)
		}
		huma.NewErrorWithContext = func(_ huma.Context, status int, msg string, errs ...error) huma.StatusError {
			return fromHuma(status, msg, errs)
		}
	})
}

func fromHuma(status int, msg string, errs []error) *Problem {
	var faults []alerts.Fault
	for _, err := range errs {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return newProblem(http.StatusRequestEntityTooLarge, alerts.TooLarge,
				fmt.Sprintf("the body may have at most %d bytes", tooLarge.Limit))
		}
		var d *huma.ErrorDetail
		if errors.As(err, &d) && d != nil {
			faults = append(faults, faultOf(d))
		}
	}
	if status == http.StatusInternalServerError && strings.HasPrefix(msg, "cannot read request body") {
		status = http.StatusBadRequest // the connection broke, or the body is not as announced
	}
	if status == http.StatusUnsupportedMediaType {
		return newProblem(status, alerts.Unsupported, "the body must be JSON, sent as application/json")
	}
	detail := msg
	switch {
	case status == http.StatusBadRequest && len(faults) > 0:
		return newProblem(status, alerts.Invalid, "the body is not valid JSON: "+faults[0].Message)
	case len(faults) == 1 && faults[0].Field != "":
		detail = faults[0].Field + ": " + faults[0].Message
	case len(faults) > 0:
		detail = fmt.Sprintf("%d faults in the input, see errors", len(faults))
	}
	return newProblem(status, kindOf(status), detail, faults...)
}

var (
	requiredProperty = regexp.MustCompile(`^expected required property (\S+) to be present$`)
	wrongType        = regexp.MustCompile(`^json: cannot unmarshal .* Go struct field \w+\.(\S+) of type`)
)

// faultOf says in the caller's names what huma found. The value is left out: it
// may be a password.
func faultOf(d *huma.ErrorDetail) alerts.Fault {
	field := d.Location
	for _, in := range []string{"body", "query", "path", "header", "form"} {
		if field == in {
			field = ""
		}
		field = strings.TrimPrefix(field, in+".")
	}
	message := d.Message
	if m := requiredProperty.FindStringSubmatch(message); m != nil {
		if field != "" {
			field += "."
		}
		return alerts.Fault{Field: field + m[1], Message: "is required"}
	}
	if m := wrongType.FindStringSubmatch(message); m != nil {
		return alerts.Fault{Field: m[1], Message: "is of the wrong type or out of range"}
	}
	switch {
	case message == "unexpected property":
		message = "there is no such field; leave it out or check its spelling"
	case message == "unknown query parameter":
		message = "there is no such parameter; leave it out or check its spelling"
	case strings.HasPrefix(message, "json: "):
		message = "is of the wrong type or out of range"
	case strings.HasPrefix(message, "expected "):
		message = "must be: " + strings.TrimPrefix(message, "expected ")
	}
	return alerts.Fault{Field: field, Message: message}
}
