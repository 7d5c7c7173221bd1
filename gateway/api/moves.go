package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

// Keyed is the header under which a request may be sent again.
type Keyed struct {
	Key string `header:"Idempotency-Key" minLength:"1" maxLength:"128" pattern:"^[!-~]+$" patternDescription:"visible ASCII characters" doc:"Sent again with the same key, the request is answered as the first time and done once"`
}

// MoveRequest is a move in a case, made on a version of it that the caller has
// seen.
type MoveRequest struct {
	ByID
	Keyed
	IfMatch string `header:"If-Match" maxLength:"128" doc:"ETag of the case as the caller has seen it, such as \"v3\": needed (428 without); 412 where the case has changed since"`
	Body    desk.MoveInput
}

func (a *API) registerMoves() {
	op := a.operation("POST", casesPath+"/{id}/moves", "move", "Cases", "Make a move in a case")
	op.Description += " Which moves are open to the caller, and what each needs, is in `open_moves` of the case. " +
		"One that is not open is refused with 409 (not in this step) or 403 (not by this caller); that problem document lists those that are."
	problem := a.errorResponse()
	op.Responses = map[string]*huma.Response{
		"default": problem,
		"412":     {Description: "The case has changed since: read it again", Content: problem.Content},
		"428":     {Description: "If-Match is missing", Content: problem.Content},
	}
	handle(a, op, a.move)
}

func (a *API) move(ctx context.Context, in *MoveRequest) (*caseOut, error) {
	version, err := versionOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	in.Body.Key = in.Key
	v, _, err := a.desk.Move(ctx, scopeOf(ctx), in.ID, version, in.Body)
	if err != nil {
		return nil, a.refusedMove(ctx, in.ID, err)
	}
	return caseAnswer(v), nil
}

// versionOf reads If-Match (RFC 9110, 13.1.1). Only one strong tag of ours can
// say which version the caller has seen.
func versionOf(tag string) (int64, error) {
	tag = strings.TrimSpace(tag)
	if tag == "" {
		return 0, newProblem(http.StatusPreconditionRequired, alerts.Invalid,
			"If-Match is required: send the ETag of the case as you have seen it", alerts.Fault{Field: "If-Match", Message: "is required"})
	}
	digits, begun := strings.CutPrefix(tag, `"v`)
	digits, ended := strings.CutSuffix(digits, `"`)
	if !begun || !ended {
		return 0, wrongTag()
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, wrongTag()
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || caseTag(n) != tag {
		return 0, wrongTag()
	}
	return n, nil
}

func wrongTag() error {
	return alerts.InvalidField("If-Match", `must be the one ETag of the case, such as "v3"`)
}

// refusedMove adds to a refusal which moves are open to the caller now, and the
// case's version.
func (a *API) refusedMove(ctx context.Context, id string, err error) error {
	kind := alerts.KindOf(err)
	if kind != alerts.Conflict && kind != alerts.Forbidden {
		return err
	}
	p := problemOf(ctx, a.log, err)
	if errors.Is(err, desk.ErrStale) {
		p = newProblem(http.StatusPreconditionFailed, alerts.Conflict, p.Detail, p.Errors...)
	}
	open, newest, lookErr := a.desk.OpenMoves(ctx, scopeOf(ctx), id)
	if lookErr != nil {
		return p // not in sight any more: the refusal says enough
	}
	p.OpenMoves = open
	p.setHeader("ETag", caseTag(newest))
	return p
}
