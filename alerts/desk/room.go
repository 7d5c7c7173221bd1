package desk

import (
	"context"
	"slices"
	"strings"

	"sharpeyes/alerts"
)

// CaseComments lists the messages in a case's room, newest first, with the next
// page's cursor.
func (d *Desk) CaseComments(ctx context.Context, s alerts.Scope, id string, p alerts.Page) ([]CommentView, string, error) {
	k, err := d.caseOf(ctx, s, id)
	if err != nil {
		return nil, "", err
	}
	list, next, err := d.store.Comments(ctx, k.ID, p)
	if err != nil {
		return nil, "", err
	}
	return mapped(list, commentView), next, nil
}

func commentView(c alerts.Comment) CommentView {
	v := CommentView{ID: c.ID, CaseID: c.CaseID, At: c.At, AuthorID: c.AuthorID, Author: c.Author, Text: c.Text,
		Mentions: slices.Concat([]string{}, c.Mentions), Files: slices.Concat([]string{}, c.Files)}
	if c.Author == "" {
		v.AuthorID, v.ByReporter = "", true
	}
	return v
}

// Comment writes a message into a case's room. Everybody in whose sight the case
// is may, also when it is closed.
func (d *Desk) Comment(ctx context.Context, s alerts.Scope, caseID string, in CommentInput) (v CommentView, replayed bool, err error) {
	if err := s.Need(alerts.WorkCases); err != nil {
		return v, false, err
	}
	var f faults
	in.Text = f.lines("text", in.Text, true, maxCaseText)
	if in.Mentions = unique(in.Mentions); len(in.Mentions) > maxMentions {
		f.add("mentions", "names %d people, at most %d are taken", len(in.Mentions), maxMentions)
	}
	f.files(in.Files)
	f.key(in.Key)
	if err := f.err(); err != nil {
		return v, false, err
	}
	request := "comment/" + caseID + "/" + digest(in)
	err = d.write(ctx, func(c *change) error {
		k, err := c.Case(ctx, s, caseID)
		if err != nil {
			return err
		}
		if id, err := c.recalled(s.User, in.Key, request); err != nil || id != "" {
			replayed = id != ""
			v = CommentView{ID: id, CaseID: k.ID}
			return err
		}
		replayed = false
		facts, err := loadFacts(ctx, c, k.ID)
		if err != nil {
			return err
		}
		for _, id := range in.Mentions {
			if err := c.mentionable(ctx, id, &k, facts); err != nil {
				return err
			}
		}
		if err := checkFiles(ctx, c, k.ID, in.Files); err != nil {
			return err
		}
		said := alerts.Comment{ID: alerts.NewID(c.now), CaseID: k.ID, At: c.now, AuthorID: s.User, Text: in.Text, Mentions: in.Mentions, Files: in.Files}
		if !facts.hides(s, &k) {
			if said.Author, err = c.nameOf(ctx, s); err != nil {
				return err
			}
		}
		if err := c.AddComment(said); err != nil {
			return err
		}
		if err := c.remember(s.User, in.Key, request, said.ID); err != nil {
			return err
		}
		v = commentView(said)
		if err := c.emitCase(alerts.CaseCommented, &k, facts, v, in.Mentions...); err != nil {
			return err
		}
		return c.audit(facts.masked(s, &k), alerts.AuditComment, "case/"+k.ID, k.AreaID, map[string]string{"comment": said.ID})
	})
	if err == nil && replayed {
		v, err = d.comment(ctx, v.CaseID, v.ID)
	}
	return v, replayed, err
}

// comment finds a message of a case again.
func (d *Desk) comment(ctx context.Context, caseID, id string) (CommentView, error) {
	for page := (alerts.Page{Limit: 1000}); ; {
		list, next, err := d.store.Comments(ctx, caseID, page)
		if err != nil {
			return CommentView{}, err
		}
		for _, c := range list {
			if c.ID == id {
				return commentView(c), nil
			}
		}
		if page.Cursor = next; next == "" {
			return CommentView{}, alerts.Errorf(alerts.NotFound, "there is no such comment")
		}
	}
}

// hides tells whether the caller's name would show who reported: he has to do
// with the case as its reporter, and not by his office.
func (f *caseFacts) hides(s alerts.Scope, k *alerts.Case) bool {
	as := f.partiesOf(s, k)
	return as&byReporter != 0 && as&(byHolder|byAbove|byAssigned|byJoint) == 0 && s.Role != alerts.DutyOfficer && s.Role != alerts.Leader
}

// masked is the scope as the audit of such an act has it.
func (f *caseFacts) masked(s alerts.Scope, k *alerts.Case) alerts.Scope {
	if f.hides(s, k) {
		s.User, s.Name, s.Address = "", "", ""
	}
	return s
}

// nameOf is the name of the caller, as it is kept with what he does.
func (c *change) nameOf(ctx context.Context, s alerts.Scope) (string, error) {
	if s.Name != "" || s.User == "" {
		return orRole(s.Name, s.Role), nil
	}
	u, err := c.User(ctx, alerts.System(), s.User)
	if err != nil && alerts.KindOf(err) != alerts.NotFound {
		return "", err
	}
	return orRole(u.Name, s.Role), nil
}

func orRole(name string, r alerts.Role) string {
	if name == "" && r == "" {
		return "system"
	}
	if name == "" {
		return string(r)
	}
	return name
}

// mentionable finds out that somebody may see a case before he is called to it.
func (c *change) mentionable(ctx context.Context, id string, k *alerts.Case, f *caseFacts) error {
	u, err := c.User(ctx, alerts.System(), id)
	if err != nil && alerts.KindOf(err) != alerts.NotFound {
		return err
	}
	sees := err == nil && !u.Disabled && u.AreaPath != "" && strings.HasPrefix(k.AreaPath, u.AreaPath)
	switch u.Role {
	case alerts.DutyOfficer, alerts.Leader:
	case alerts.Handler:
		_, joint := f.part(u.DepartmentID)
		sees = sees && u.DepartmentID != "" && u.DepartmentID != k.Against &&
			(joint || u.DepartmentID == k.DepartmentID || u.DepartmentID == k.FirstID)
	case alerts.GridLeader:
		if sees && u.ID != k.PersonID {
			if sees, err = c.leads(ctx, u.ID, k.GridID); err != nil {
				return err
			}
		}
	default:
		sees = false
	}
	if !sees {
		return alerts.InvalidField("mentions", "%q is nobody who can see this case", id)
	}
	return nil
}

// leads tells whether somebody leads a grid now.
func (c *change) leads(ctx context.Context, userID, gridID string) (bool, error) {
	if gridID == "" {
		return false, nil
	}
	posts, err := c.Posts(ctx, gridID, userID)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(posts, func(p alerts.Post) bool {
		return p.GridID == gridID && p.UserID == userID && p.Kind == alerts.LeaderPost && !p.From.After(c.now) &&
			(p.To.IsZero() || c.now.Before(p.To))
	}), nil
}

// recalled returns the object that a key stands for, empty where the key is new
// or absent; for another request it is a Conflict.
func (c *change) recalled(user, key, request string) (object string, err error) {
	if key == "" {
		return "", nil
	}
	before, object, err := c.Recall(user, key)
	if alerts.KindOf(err) == alerts.NotFound && err != nil {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if before != request {
		return "", alerts.Errorf(alerts.Conflict, "this Idempotency-Key was used for another request: use a new key for each")
	}
	return object, nil
}

func (c *change) remember(user, key, request, object string) error {
	if key == "" {
		return nil
	}
	return c.Remember(user, key, request, object)
}

func unique(list []string) []string {
	var out []string
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// CaseAttachments lists the files of a case, oldest first.
func (d *Desk) CaseAttachments(ctx context.Context, s alerts.Scope, id string) ([]AttachmentView, error) {
	k, err := d.caseOf(ctx, s, id)
	if err != nil {
		return nil, err
	}
	list, err := d.store.Attachments(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	return mapped(list, attachmentView), nil
}

func attachmentView(a alerts.Attachment) AttachmentView {
	url := "/api/v1/attachments/" + a.ID
	return AttachmentView{ID: a.ID, URL: url, Thumb: url + "?size=thumb", Width: a.Width, Height: a.Height, SHA256: a.SHA256, At: a.At}
}

// Attach adds a file to a case; its original must be kept before the call. It is
// never removed.
func (d *Desk) Attach(ctx context.Context, s alerts.Scope, caseID string, p alerts.Photo) (AttachmentView, error) {
	v, _, err := d.AttachOnce(ctx, s, caseID, p, "")
	return v, err
}

// AttachOnce is Attach under an idempotency key: the same file again is the
// first one, with replayed true, and what was kept for it is not needed.
func (d *Desk) AttachOnce(ctx context.Context, s alerts.Scope, caseID string, p alerts.Photo, key string) (v AttachmentView, replayed bool, err error) {
	if err := s.Need(alerts.WorkCases); err != nil {
		return v, false, err
	}
	request := "attach/" + caseID + "/" + p.SHA256
	var a alerts.Attachment
	err = d.write(ctx, func(c *change) error {
		a = alerts.Attachment{Photo: p, ByID: s.User}
		k, err := c.Case(ctx, s, caseID)
		if err != nil {
			return err
		}
		first, err := c.recalled(s.User, key, request)
		if err != nil {
			return err
		}
		if replayed = first != ""; replayed {
			a, err = c.Attachment(ctx, first)
			return err
		}
		have, err := c.Attachments(ctx, k.ID)
		if err != nil {
			return err
		}
		if len(have) >= maxAttachments {
			return alerts.Errorf(alerts.TooMany, "the case has %d attachments, which is the most", maxAttachments)
		}
		facts, err := loadFacts(ctx, c, k.ID)
		if err != nil {
			return err
		}
		a.CaseID, a.At = k.ID, c.now
		if err := c.AddAttachment(a); err != nil {
			return err
		}
		by := facts.masked(s, &k)
		if by.User != "" {
			if by.Name, err = c.nameOf(ctx, s); err != nil {
				return err
			}
		}
		h, err := c.chainOf(ctx, &k)
		if err != nil {
			return err
		}
		if err := h.photo(by, casePhoto{Photo: p}, ""); err != nil {
			return err
		}
		if err := c.remember(s.User, key, request, a.ID); err != nil {
			return err
		}
		if err := c.emitCase(alerts.CaseChanged, &k, facts, d.known.places().caseView(k, c.now)); err != nil {
			return err
		}
		return c.audit(facts.masked(s, &k), alerts.AuditComment, "case/"+k.ID, k.AreaID, map[string]string{"attachment": a.ID, "sha256": a.SHA256})
	})
	if err != nil {
		return AttachmentView{}, false, err
	}
	return attachmentView(a), replayed, nil
}

// AttachmentOf returns a file of a case that is in sight of the caller.
func (d *Desk) AttachmentOf(ctx context.Context, s alerts.Scope, id string) (alerts.Photo, error) {
	if err := s.Need(alerts.ReadCases); err != nil {
		return alerts.Photo{}, err
	}
	none := alerts.Errorf(alerts.NotFound, "there is no such attachment")
	a, err := d.store.Attachment(ctx, id)
	if err != nil {
		return alerts.Photo{}, err
	}
	k, err := d.store.Case(ctx, s, a.CaseID)
	if alerts.KindOf(err) == alerts.NotFound && err != nil {
		return alerts.Photo{}, none
	}
	if err != nil {
		return alerts.Photo{}, err
	}
	f, err := loadFacts(ctx, d.store, k.ID)
	if err != nil {
		return alerts.Photo{}, err
	}
	return a.Photo, d.Seen(ctx, f.masked(s, &k), alerts.AuditRead, "attachment/"+id, k.AreaID)
}
