package api

import (
	"context"
	"encoding/base64"
	"mime"
	"net/http"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

// packagesAtOnce bounds packages that are being sent: each reads all of a case's
// files.
const packagesAtOnce = 4

// ClipsRequest orders clips.
type ClipsRequest struct {
	Keyed
	Body desk.ClipInput
}

// CaseClipsRequest asks for footage of a case.
type CaseClipsRequest struct {
	ByID
	Keyed
	Body desk.ClipRequestInput
}

// ClipRequestsQuery narrows requests for clips.
type ClipRequestsQuery struct {
	Page
	State string `query:"state" enum:"open,approved,refused" doc:"What became of them"`
	Case  string `query:"case_id" maxLength:"64" doc:"Case"`
}

// Approval approves a request.
type Approval struct {
	Note string `json:"note,omitempty" maxLength:"500" doc:"For who asked"`
}

// Refusal refuses one.
type Refusal struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why; who asked reads it"`
}

// KeyView is the public key of packages.
type KeyView struct {
	Algorithm   string `json:"alg" enum:"Ed25519" doc:"Algorithm (RFC 8032)"`
	Key         string `json:"key" doc:"32 bytes, base64"`
	Fingerprint string `json:"fingerprint" doc:"First 16 bytes of its SHA-256, for people to compare"`
}

type bodyOf[T any] struct{ Body T }

func answerWith[T any](v T, err error) (*bodyOf[T], error) { return &bodyOf[T]{v}, err }

const (
	exportsPath  = "/api/v1/exports"
	evidencePath = "/api/v1/evidence"
	requestsPath = "/api/v1/clip-requests"
)

func answering(op huma.Operation, status int) huma.Operation {
	op.DefaultStatus = status
	return op
}

func (a *API) registerEvidence() {
	const tag = "Evidence"
	a.registerClips(tag)
	a.registerClipRequests(tag)
	handle(a, a.operation("GET", casesPath+"/{id}/evidence", "case-evidence", tag, "What a case rests on, in the order of its chain: clips, copies, photos, files"),
		func(ctx context.Context, in *ByID) (*listOut[desk.EvidenceView], error) {
			items, err := a.desk.CaseEvidence(ctx, scopeOf(ctx), in.ID)
			return listOf(items, ""), err
		})
	handle(a, a.operation("POST", evidencePath+"/{id}/verify", "verify-evidence", tag, "Check a piece: its file, or a photo's original, against its hash, the chain against what lies on the case, and the audit"),
		func(ctx context.Context, in *ByID) (*bodyOf[desk.VerifyView], error) {
			return answerWith(a.desk.VerifyEvidence(ctx, scopeOf(ctx), in.ID))
		})
	handle(a, answering(a.operation("POST", evidencePath+"/{id}/copy", "copy-evidence", tag, "Make a copy of a clip for sharing: masked and marked, always labelled as a copy"), http.StatusCreated),
		func(ctx context.Context, in *struct {
			ByID
			Body desk.CopyInput
		}) (*bodyOf[desk.EvidenceView], error) {
			return answerWith(a.desk.CopyEvidence(ctx, scopeOf(ctx), in.ID, in.Body))
		})
	handle(a, a.operation("GET", casesPath+"/{id}/holds", "case-holds", tag, "Footage that is kept from deletion for a case"),
		func(ctx context.Context, in *ByID) (*listOut[desk.HoldView], error) {
			items, err := a.desk.CaseHolds(ctx, scopeOf(ctx), in.ID)
			return listOf(items, ""), err
		})
	handle(a, a.operation("POST", "/api/v1/holds/{id}/review", "review-hold", tag, "Keep held footage longer or shorter, or release it"),
		func(ctx context.Context, in *struct {
			ByID
			Body desk.HoldReview
		}) (*bodyOf[desk.HoldView], error) {
			return answerWith(a.desk.ReviewHold(ctx, scopeOf(ctx), in.ID, in.Body))
		})
	handle(a, a.operation("GET", evidencePath+"/key", "evidence-key", tag, "The public key that packages of evidence are signed with"),
		func(context.Context, *none) (*bodyOf[KeyView], error) {
			key, print, err := a.desk.EvidenceKey()
			return &bodyOf[KeyView]{KeyView{"Ed25519", base64.StdEncoding.EncodeToString(key), print}}, err
		})
	file := a.operation("GET", evidencePath+"/{id}/file", "evidence-file", tag, "The file of a clip or a copy, byte for byte; ranges are answered")
	binary := func(mediaType string) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{mediaType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}
	}
	file.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: binary("video/mp4")},
		"206": {Description: "Part of it", Content: binary("video/mp4")}}
	a.handlePlain(file, a.evidenceFile)
	zip := a.operation("GET", casesPath+"/{id}/evidence/package", "evidence-package", tag, "All evidence of a case as a signed zip, which `gateway verify` checks without a server")
	zip.Responses = map[string]*huma.Response{"200": {Description: "The package", Content: binary("application/zip")}}
	a.handlePlain(zip, a.evidencePackage)
}

func (a *API) registerClips(tag string) {
	order := answering(a.operation("POST", exportsPath, "order-clips", tag, "Cut clips out of the record into a case's evidence"), http.StatusAccepted)
	order.Description += " The order is worked at in the background by the node that took it, and survives a restart; a range that the case has already of a camera is not cut twice."
	handle(a, order, func(ctx context.Context, in *ClipsRequest) (*bodyOf[desk.ClipExportView], error) {
		in.Body.Key = in.Key
		v, _, err := a.desk.OrderClips(ctx, scopeOf(ctx), in.Body)
		return answerWith(v, err)
	})
	handle(a, a.operation("GET", exportsPath, "clip-exports", tag, "The caller's exports of clips, newest first"),
		func(ctx context.Context, in *Page) (*listOut[desk.ClipExportView], error) {
			items, next, err := a.desk.ClipExports(ctx, scopeOf(ctx), in.page())
			return listOf(items, next), err
		})
	handle(a, a.operation("GET", exportsPath+"/{id}", "clip-export", tag, "How far an export of clips has come"),
		func(ctx context.Context, in *ByID) (*bodyOf[desk.ClipExportView], error) {
			return answerWith(a.desk.ClipExport(ctx, scopeOf(ctx), in.ID))
		})
	handle(a, answering(a.operation("DELETE", exportsPath+"/{id}", "cancel-clips", tag, "Cancel an export; clips that are done stay"), http.StatusNoContent),
		func(ctx context.Context, in *ByID) (*none, error) {
			return &none{}, a.desk.CancelClips(ctx, scopeOf(ctx), in.ID)
		})
}

func (a *API) registerClipRequests(tag string) {
	handle(a, answering(a.operation("POST", casesPath+"/{id}/clip-requests", "request-clips", tag, "Ask for footage that the caller may not cut himself"), http.StatusCreated),
		func(ctx context.Context, in *CaseClipsRequest) (*bodyOf[desk.ClipRequestView], error) {
			in.Body.Key = in.Key
			v, _, err := a.desk.RequestClips(ctx, scopeOf(ctx), in.ID, in.Body)
			return answerWith(v, err)
		})
	handle(a, a.operation("GET", requestsPath, "clip-requests", tag, "Requests for footage, newest first: officers and leaders see those of the cases in their areas, others their own"),
		func(ctx context.Context, in *ClipRequestsQuery) (*listOut[desk.ClipRequestView], error) {
			items, next, err := a.desk.ClipRequests(ctx, scopeOf(ctx), alerts.ClipRequestFilter{CaseID: in.Case, State: alerts.RequestState(in.State), Page: in.page()})
			return listOf(items, next), err
		})
	handle(a, a.operation("POST", requestsPath+"/{id}/approval", "approve-clips", tag, "Approve a request: exactly what was asked for is cut into the case"),
		func(ctx context.Context, in *struct {
			ByID
			Body Approval
		}) (*bodyOf[desk.ClipRequestView], error) {
			return answerWith(a.desk.ApproveClips(ctx, scopeOf(ctx), in.ID, in.Body.Note))
		})
	handle(a, a.operation("POST", requestsPath+"/{id}/refusal", "refuse-clips", tag, "Refuse a request, with the reason"),
		func(ctx context.Context, in *struct {
			ByID
			Body Refusal
		}) (*bodyOf[desk.ClipRequestView], error) {
			return answerWith(a.desk.RefuseClips(ctx, scopeOf(ctx), in.ID, in.Body.Reason))
		})
}

func (a *API) evidenceFile(w http.ResponseWriter, r *http.Request) error {
	v, file, err := a.desk.EvidenceFile(r.Context(), scopeOf(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	defer file.Close()
	h := w.Header()
	h.Set("Content-Type", v.MediaType)
	h.Set("ETag", `"`+v.SHA256+`"`)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": v.FileName}))
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}

func (a *API) evidencePackage(w http.ResponseWriter, r *http.Request) error {
	select {
	case a.packages <- struct{}{}:
		defer func() { <-a.packages }()
	default:
		return alerts.Errorf(alerts.TooMany, "%d packages are being made already: try again in a moment", packagesAtOnce)
	}
	p, err := a.desk.EvidencePackage(r.Context(), scopeOf(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": p.Name}))
	if err := p.Write(r.Context(), w); err != nil {
		a.log.Error("a package of evidence was cut short", "case", r.PathValue("id"), "error", err)
		panic(http.ErrAbortHandler) // a package that is not whole must not look so
	}
	return nil
}
