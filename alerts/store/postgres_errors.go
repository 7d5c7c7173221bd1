package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sharpeyes/alerts"
)

// Codes of PostgreSQL's errors, and classes of them (PostgreSQL, appendix A).
const (
	uniqueViolation     = "23505"
	foreignKeyViolation = "23503"
	badCharacters       = "22021"
	rowTooLarge         = "54000"
	serialization       = "40001"
	deadlock            = "40P01"
	lockTimeout         = "55P03"
	statementCancelled  = "57014"
	readOnly            = "25006"
	noDatabase          = "3D000"
	noPrivilege         = "42501"
	diskFull            = "53100"

	connectionClass    = "08"
	authorisationClass = "28"
	resourcesClass     = "53"
	interventionClass  = "57"
	systemClass        = "58"
	damagedClass       = "XX"
)

// classifyPostgres is classify for PostgreSQL's errors; nil where it is none.
func classifyPostgres(err error) error {
	unavailable := func(message string) error {
		return &alerts.Error{Kind: alerts.Unavailable, Message: message, Err: err}
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		if lost(err) {
			return unavailable("the database does not answer: try again")
		}
		return nil
	}
	switch pe.Code {
	case uniqueViolation:
		return fmt.Errorf("%w: %w", errTaken, err)
	case foreignKeyViolation:
		return fmt.Errorf("%w: %w", errMissing, err)
	case badCharacters:
		return &alerts.Error{Kind: alerts.Invalid, Message: "a text holds signs that cannot be stored", Err: err}
	case rowTooLarge:
		return &alerts.Error{Kind: alerts.Invalid, Message: "a text is too long to be stored", Err: err}
	case serialization, deadlock, lockTimeout, statementCancelled:
		return unavailable("the database is busy: try again")
	case diskFull:
		return unavailable("the disk of the database is full: nothing can be stored")
	case readOnly:
		return unavailable("the database takes no writes: try again")
	}
	switch pe.Code[:min(2, len(pe.Code))] {
	case connectionClass, authorisationClass, interventionClass, "3D":
		return unavailable("the database does not answer: try again")
	case resourcesClass, systemClass, damagedClass:
		return unavailable("the database cannot be read or written")
	}
	return err
}

// lost tells that a connection ended or was never made.
func lost(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var ne net.Error
	var ce *pgconn.ConnectError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &ne) || errors.As(err, &ce) ||
		pgconn.SafeToRetry(err)
}

// mayRunAgain tells of a transaction that did not come to its commit whether it
// may succeed at once: it was chosen to end, or its connection was lost, and
// there may be another.
func mayRunAgain(err error) bool {
	var ce *pgconn.ConnectError
	if errors.As(err, &ce) || errors.Is(err, os.ErrDeadlineExceeded) {
		return false // there was no other, or none that answers
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return lost(err)
	}
	switch pe.Code {
	case serialization, deadlock, readOnly:
		return true
	case statementCancelled:
		return false
	}
	class := pe.Code[:min(2, len(pe.Code))]
	return class == connectionClass || class == interventionClass
}

// cannotOpen says in a sentence why a database cannot be opened.
func cannotOpen(name string, err error) error {
	if err == nil {
		return nil
	}
	e := &alerts.Error{Kind: alerts.Unavailable, Err: err}
	var pe *pgconn.PgError
	var ce *pgconn.ConnectError
	code := ""
	if errors.As(err, &pe) {
		code = pe.Code
	}
	switch {
	case code == noDatabase:
		e.Message = name + " does not exist: make it with CREATE DATABASE, or correct the address"
	case code != "" && code[:2] == authorisationClass:
		e.Message = name + " refuses the user or the password: correct them, or what pg_hba.conf says of them"
	case code == noPrivilege:
		e.Message = name + " lets this user make no tables: make him its owner"
	case code == lockTimeout:
		e.Message = name + " is in use by another process that changes it: try again when that is done"
	case code == diskFull:
		e.Message = "the disk that holds " + name + " is full"
	case code == readOnly, errors.Is(err, pgx.ErrTxClosed):
		e.Message = name + " takes no writes: name the server that does"
	case errors.As(err, &ce), lost(err):
		e.Message = name + " does not answer: start PostgreSQL, or correct the address"
	default:
		return fmt.Errorf("store: open %s: %w", name, err)
	}
	return e
}
