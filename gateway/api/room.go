package api

import (
	"context"
	"io"
	"mime"
	"mime/multipart"
	"net/http"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

// Bounds of one attachment.
const (
	fileField  = "file"
	attachBody = photoBytes + 1<<20
)

// CommentsQuery asks for the messages of a case's room.
type CommentsQuery struct {
	ByID
	Page
}

// CommentRequest is a message in a case's room.
type CommentRequest struct {
	ByID
	Keyed
	Body desk.CommentInput
}

type commentOut struct {
	Status int
	Body   desk.CommentView
}

// registerRoom puts up the room of a case, in which departments work together:
// messages and files, live over the WebSocket.
func (a *API) registerRoom() {
	const tag = "Cases"
	handle(a, a.operation("GET", casesPath+"/{id}/comments", "case-comments", tag, "Messages in a case's room, newest first"),
		func(ctx context.Context, in *CommentsQuery) (*listOut[desk.CommentView], error) {
			items, next, err := a.desk.CaseComments(ctx, scopeOf(ctx), in.ID, in.page())
			return listOf(items, next), err
		})
	comment := a.operation("POST", casesPath+"/{id}/comments", "comment", tag, "Say something in a case's room")
	comment.DefaultStatus = http.StatusCreated
	comment.Responses = a.madeBefore(typeOf[desk.CommentView]())
	handle(a, comment, func(ctx context.Context, in *CommentRequest) (*commentOut, error) {
		in.Body.Key = in.Key
		v, replayed, err := a.desk.Comment(ctx, scopeOf(ctx), in.ID, in.Body)
		return &commentOut{Status: created(replayed), Body: v}, err
	})
	handle(a, a.operation("GET", casesPath+"/{id}/attachments", "case-attachments", tag, "Files that belong to a case"),
		func(ctx context.Context, in *ByID) (*listOut[desk.AttachmentView], error) {
			items, err := a.desk.CaseAttachments(ctx, scopeOf(ctx), in.ID)
			return listOf(items, ""), err
		})
	a.handlePlain(a.attachOperation(), a.attach)

	file := a.operation("GET", "/api/v1/attachments/{id}", "attachment", tag, "A file of a case: the copy that is shown")
	file.Parameters = []*huma.Param{{Name: "size", In: "query", Description: "thumb: the small copy",
		Schema: &huma.Schema{Type: "string", Enum: []any{"thumb", "shown"}}}}
	file.Responses = map[string]*huma.Response{"200": {Description: "JPEG", Content: map[string]*huma.MediaType{"image/jpeg": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}}
	a.handlePlain(file, func(w http.ResponseWriter, r *http.Request) error {
		return a.servePhoto(w, r, a.desk.AttachmentOf)
	})
}

func created(replayed bool) int {
	if replayed {
		return http.StatusOK
	}
	return http.StatusCreated
}

func (a *API) attachOperation() huma.Operation {
	op := a.operation("POST", casesPath+"/{id}/attachments", "attach", "Cases",
		"Add a picture to a case, as multipart/form-data; its original is kept unaltered")
	schema := a.huma.OpenAPI().Components.Schemas.Schema(typeOf[desk.AttachmentView](), true, "")
	op.Parameters = []*huma.Param{keyParam()}
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"multipart/form-data": {Schema: &huma.Schema{Type: "object", Required: []string{fileField}, Properties: map[string]*huma.Schema{
			fileField: {Type: "string", Format: "binary", Description: "JPEG, PNG or WebP, at most 10 MB"}}}}}}
	answer := map[string]*huma.MediaType{"application/json": {Schema: schema}}
	op.Responses = map[string]*huma.Response{"201": {Description: "Stored", Content: answer},
		"200": {Description: "Had been stored before, under the same key", Content: answer}}
	return op
}

// attach takes a file in: on disk before it is committed, taken back where it
// is not.
func (a *API) attach(w http.ResponseWriter, r *http.Request) error {
	ctx, p := r.Context(), principalOf(r.Context())
	release, err := a.uploads.begin(p.User.ID)
	if err != nil {
		return err
	}
	defer release()
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	photo, err := a.readFile(r)
	if err != nil {
		return err
	}
	commit, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTime)
	defer cancel()
	v, replayed, err := a.desk.AttachOnce(commit, p.Scope, r.PathValue("id"), photo, key)
	if replayed || err != nil && surelyNotStored(err) {
		a.takeBack(ctx, []alerts.Photo{photo})
	}
	if err != nil {
		return err
	}
	return writeJSON(w, created(replayed), v)
}

// readFile reads a form with one file. What it returns is kept already; where
// it fails nothing is.
func (a *API) readFile(r *http.Request) (photo alerts.Photo, err error) {
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" || params["boundary"] == "" {
		return photo, alerts.Errorf(alerts.Unsupported, "send multipart/form-data with one %s", fileField)
	}
	kept := false
	defer func() {
		if err != nil && kept {
			a.takeBack(r.Context(), []alerts.Photo{photo})
		}
	}()
	body := &closing{r: r.Body, want: []byte("--" + params["boundary"] + "--")}
	for form := multipart.NewReader(body, params["boundary"]); ; {
		part, err := form.NextPart()
		switch {
		case err == io.EOF && body.seen && kept: // bare: a wrapped one is a form cut short
			return photo, nil
		case err == io.EOF && body.seen:
			return photo, alerts.InvalidField(fileField, "is required")
		case err != nil:
			return photo, bodyError(err)
		case part.FormName() != fileField:
			return photo, alerts.InvalidField(cut(part.FormName(), 64), "there is no such field; leave it out or check its spelling")
		case kept:
			return photo, alerts.InvalidField(fileField, "may come once: send each file by itself")
		}
		if photo, err = a.photos.Accept(r.Context(), part); err != nil {
			return photo, fileError(err)
		}
		kept = true
	}
}

func fileError(err error) error {
	e := photoError(1, err)
	if known, ok := e.(*alerts.Error); ok && len(known.Faults) == 1 {
		return &alerts.Error{Kind: known.Kind, Message: fileField + ": " + known.Faults[0].Message,
			Faults: []alerts.Fault{{Field: fileField, Message: known.Faults[0].Message}}, Err: err}
	}
	return e
}
