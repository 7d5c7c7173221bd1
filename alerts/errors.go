package alerts

import (
	"errors"
	"fmt"
)

// Kind sorts errors by what the caller can do about them. One table in
// gateway/api maps kinds to HTTP.
type Kind string

// The kinds of errors.
const (
	Invalid         Kind = "invalid"         // the input is wrong; Faults say where
	Unauthenticated Kind = "unauthenticated" // sign in first
	Forbidden       Kind = "forbidden"       // signed in, without the right
	NotFound        Kind = "not_found"       // not there, or not in the caller's scope
	Conflict        Kind = "conflict"        // somebody or something else came first
	TooLarge        Kind = "too_large"       // a body or file over its bound
	Unsupported     Kind = "unsupported"     // a format or codec that is not taken
	TooMany         Kind = "too_many"        // slow down, or a bound is reached
	Unavailable     Kind = "unavailable"     // a part that is needed is down; try again
	Internal        Kind = "internal"        // ours; details are in the log alone
)

// Fault is one thing wrong with an input.
type Fault struct {
	Row     int    `json:"row,omitempty" doc:"Row or feature of an import, from 1"`
	Field   string `json:"field,omitempty" doc:"Name as the caller wrote it"`
	Message string `json:"message" doc:"What is wrong and what would be right"`
}

// Error is an error with a kind and a message that is safe to show.
type Error struct {
	Kind    Kind
	Message string
	Faults  []Fault
	Err     error // the cause, for the log; never shown
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Message, e.Err)
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an error of a kind with a message that is safe to show.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// InvalidField is an Invalid error about one field.
func InvalidField(field, format string, args ...any) *Error {
	msg := fmt.Sprintf(format, args...)
	return &Error{Kind: Invalid, Message: field + ": " + msg, Faults: []Fault{{Field: field, Message: msg}}}
}

// KindOf returns the kind of an error; what carries none is Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
