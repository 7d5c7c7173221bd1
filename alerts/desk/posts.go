package desk

import (
	"context"
	"slices"
	"time"

	"sharpeyes/alerts"
)

// PostView is one line of a grid's roster.
type PostView struct {
	ID         string            `json:"id" doc:"Identifier"`
	GridID     string            `json:"grid_id" doc:"Grid"`
	Kind       alerts.PostKind   `json:"kind" enum:"leader,team,party" doc:"leader 网格长, team 网格管理服务团队, party 网格党小组"`
	UserID     string            `json:"user_id,omitempty" doc:"Account; absent for somebody without one"`
	Name       string            `json:"name" doc:"Name"`
	Employment alerts.Employment `json:"employment,omitempty" enum:"village_official,community_worker,graduate_official,welfare_post,resident" doc:"How a leader is employed"`
	Tasks      []string          `json:"tasks,omitempty" enum:"collector,mediator,patroller,assistant,liaison,publicist" doc:"六大员: which of the six tasks the person has"`
	From       time.Time         `json:"from" doc:"Beginning of the term"`
	To         *time.Time        `json:"to,omitempty" doc:"End of the term; absent: still"`
	Current    bool              `json:"current" doc:"The term runs now"`
	HandedTo   string            `json:"handed_to,omitempty" doc:"Post that took over"`
	HandNote   string            `json:"hand_note,omitempty" doc:"What was handed over"`
}

// PostInput is a new line of a grid's roster.
type PostInput struct {
	Kind       alerts.PostKind   `json:"kind" enum:"leader,team,party" doc:"leader 网格长, team 网格管理服务团队, party 网格党小组"`
	UserID     string            `json:"user_id,omitempty" doc:"Account of the person; a leader with an account sees the grid's cases"`
	Name       string            `json:"name,omitempty" doc:"Name of somebody without an account, at most 50 characters"`
	Employment alerts.Employment `json:"employment,omitempty" enum:"village_official,community_worker,graduate_official,welfare_post,resident" doc:"How a leader is employed; a leader needs it"`
	Tasks      []string          `json:"tasks,omitempty" enum:"collector,mediator,patroller,assistant,liaison,publicist" doc:"六大员: which of the six tasks the person has"`
	From       *time.Time        `json:"from,omitempty" doc:"Beginning of the term; now when absent"`
	To         *time.Time        `json:"to,omitempty" doc:"End of the term; absent: not known"`
}

// PostPatch changes a line of a roster, ends its term, or hands it over. With
// HandTo the term ends and the new person's begins at that moment.
type PostPatch struct {
	Employment *alerts.Employment `json:"employment,omitempty" enum:"village_official,community_worker,graduate_official,welfare_post,resident" doc:"How a leader is employed"`
	Tasks      *[]string          `json:"tasks,omitempty" enum:"collector,mediator,patroller,assistant,liaison,publicist" doc:"The tasks"`
	To         *time.Time         `json:"to,omitempty" doc:"End of the term"`
	HandTo     *PostInput         `json:"hand_to,omitempty" doc:"Who takes over; of the same kind"`
	HandNote   *string            `json:"hand_note,omitempty" doc:"What was handed over: keys, registers, open matters; at most 1000 characters"`
}

var (
	postKinds   = []string{string(alerts.LeaderPost), string(alerts.TeamPost), string(alerts.PartyPost)}
	employments = []string{string(alerts.VillageOfficial), string(alerts.CommunityWorker), string(alerts.GraduateOfficial), string(alerts.WelfarePost), string(alerts.Resident)}
	postTasks   = []string{"collector", "mediator", "patroller", "assistant", "liaison", "publicist"}
)

func (d *Desk) postView(p alerts.Post) PostView {
	v := PostView{ID: p.ID, GridID: p.GridID, Kind: p.Kind, UserID: p.UserID, Name: p.Name, Employment: p.Employment,
		Tasks: p.Tasks, From: p.From, Current: runs(p, d.now()), HandedTo: p.HandedTo, HandNote: p.HandNote}
	if !p.To.IsZero() {
		v.To = &p.To
	}
	return v
}

// runs tells whether a post's term holds at a moment.
func runs(p alerts.Post, at time.Time) bool {
	return !p.From.After(at) && (p.To.IsZero() || p.To.After(at))
}

// Posts lists the roster of a grid with its past, newest terms first.
func (d *Desk) Posts(ctx context.Context, s alerts.Scope, gridID string) ([]PostView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	if _, err := d.gridIn(s, gridID); err != nil {
		return nil, err
	}
	list, err := d.store.Posts(ctx, gridID, "")
	return mapped(list, d.postView), err
}

// gridIn returns a grid of the scope, valid or not.
func (d *Desk) gridIn(s alerts.Scope, id string) (alerts.Grid, error) {
	g, ok := d.known.places().grid(id)
	if !ok || !s.Covers(g.AreaPath) {
		return alerts.Grid{}, alerts.Errorf(alerts.NotFound, "there is no such grid")
	}
	return g, nil
}

// AddPost puts a person into a grid's roster.
func (d *Desk) AddPost(ctx context.Context, s alerts.Scope, gridID string, in PostInput) (PostView, error) {
	if err := s.Need(alerts.ManagePlaces); err != nil {
		return PostView{}, err
	}
	g, err := d.gridIn(s, gridID)
	if err != nil {
		return PostView{}, err
	}
	var p alerts.Post
	err = d.write(ctx, func(c *change) error {
		from := c.now
		if in.From != nil {
			from = in.From.UTC().Truncate(time.Millisecond)
		}
		var err error
		if p, err = c.addPost(ctx, g, in, alerts.NewID(c.now), from); err != nil {
			return err
		}
		return c.postChanged(s, g, p, "create")
	})
	return d.postView(p), err
}

// addPost checks and saves a new line of a roster.
func (c *change) addPost(ctx context.Context, g alerts.Grid, in PostInput, id string, from time.Time) (alerts.Post, error) {
	p := alerts.Post{ID: id, GridID: g.ID, Kind: in.Kind, UserID: in.UserID, Employment: in.Employment, From: from}
	if in.To != nil {
		p.To = in.To.UTC().Truncate(time.Millisecond)
	}
	var f faults
	f.oneOf("kind", string(p.Kind), postKinds...)
	p.Tasks = f.tasks(in.Tasks)
	f.term(p)
	f.employment(p)
	if p.UserID == "" {
		p.Name = f.line("name", in.Name, true, 50)
	} else {
		u, err := c.User(ctx, alerts.System(), p.UserID)
		if err != nil && alerts.KindOf(err) != alerts.NotFound {
			return p, err
		}
		switch {
		case err != nil || u.Disabled || u.AreaPath == "" || !inPath(g.AreaPath, u.AreaPath):
			f.add("user_id", "must be an account of %s or of an area above it", g.AreaID)
		case p.Kind == alerts.LeaderPost && u.Role != alerts.GridLeader:
			f.add("user_id", "is a %s; a grid is led by a grid leader", u.Role)
		}
		p.Name = u.Name
	}
	if err := f.err(); err != nil {
		return p, err
	}
	if err := c.onlyLeader(ctx, p); err != nil {
		return p, err
	}
	return p, c.SavePost(p)
}

// onlyLeader: a grid has one leader at a time.
func (c *change) onlyLeader(ctx context.Context, p alerts.Post) error {
	if p.Kind != alerts.LeaderPost {
		return nil
	}
	roster, err := c.Posts(ctx, p.GridID, "")
	if err != nil {
		return err
	}
	for _, q := range roster {
		if q.ID != p.ID && q.Kind == alerts.LeaderPost && (q.To.IsZero() || q.To.After(p.From)) && (p.To.IsZero() || p.To.After(q.From)) {
			return alerts.Errorf(alerts.Conflict, "%s leads this grid then: hand the post over, or end that term first", q.Name)
		}
	}
	return nil
}

// inPath tells whether an area's path is another one's or lies above it.
func inPath(path, above string) bool {
	return alerts.Scope{Paths: []string{above}}.Covers(path)
}

func (f *faults) tasks(given []string) []string {
	var out []string
	for _, task := range given {
		if !slices.Contains(postTasks, task) {
			f.oneOf("tasks", task, postTasks...)
		} else if !slices.Contains(out, task) {
			out = append(out, task)
		}
	}
	return out
}

func (f *faults) term(p alerts.Post) {
	if !p.To.IsZero() && !p.To.After(p.From) {
		f.add("to", "must be after the beginning of the term")
	}
}

func (f *faults) employment(p alerts.Post) {
	if p.Kind == alerts.LeaderPost || p.Employment != "" {
		f.oneOf("employment", string(p.Employment), employments...)
	}
}

// postChanged ends a change of a roster: it is audited and told of, and the
// sessions of the person are resolved again.
func (c *change) postChanged(s alerts.Scope, g alerts.Grid, p alerts.Post, what string) error {
	details := altered(what).field("grid", "", g.ID).field("kind", "", string(p.Kind)).field("user", "", p.UserID).
		field("handed_to", "", p.HandedTo)
	if err := c.audit(s, alerts.AuditConfig, "post/"+p.ID, g.AreaID, details); err != nil {
		return err
	}
	if err := c.emit(alerts.RosterChanged, g.AreaID, g.AreaPath, g.ID, nil); err != nil {
		return err
	}
	if p.UserID == "" {
		return nil
	}
	return c.emit(alerts.UserChanged, g.AreaID, g.AreaPath, p.UserID, nil)
}

// ChangePost changes a line of a roster, ends it, or hands it over.
func (d *Desk) ChangePost(ctx context.Context, s alerts.Scope, id string, in PostPatch) (PostView, error) {
	if err := s.Need(alerts.ManagePlaces); err != nil {
		return PostView{}, err
	}
	var p alerts.Post
	err := d.write(ctx, func(c *change) (err error) {
		if p, err = c.Post(ctx, id); err != nil {
			return err
		}
		g, err := d.gridIn(s, p.GridID)
		if err != nil {
			return alerts.Errorf(alerts.NotFound, "there is no such post")
		}
		var f faults
		set(&p.Employment, in.Employment)
		f.employment(p)
		if in.Tasks != nil {
			p.Tasks = f.tasks(*in.Tasks)
		}
		if in.HandNote != nil {
			p.HandNote = f.lines("hand_note", *in.HandNote, false, 1000)
		}
		if in.To != nil {
			p.To = in.To.UTC().Truncate(time.Millisecond)
			f.term(p)
		}
		if err := f.err(); err != nil {
			return err
		}
		if in.HandTo != nil {
			if err := c.handOver(ctx, s, g, &p, *in.HandTo); err != nil {
				return err
			}
		} else if err := c.onlyLeader(ctx, p); err != nil {
			return err
		}
		if err := c.SavePost(p); err != nil {
			return err
		}
		return c.postChanged(s, g, p, "change")
	})
	return d.postView(p), err
}

// handOver ends a term now, or when it was said to end, and begins the next.
func (c *change) handOver(ctx context.Context, s alerts.Scope, g alerts.Grid, p *alerts.Post, next PostInput) error {
	if !runs(*p, c.now) && !p.To.Equal(c.now) {
		return alerts.Errorf(alerts.Conflict, "only a post whose term runs can be handed over")
	}
	if p.To.IsZero() || p.To.After(c.now) {
		p.To = c.now
	}
	if p.HandNote == "" {
		return alerts.InvalidField("hand_note", "must say what was handed over")
	}
	if next.Kind == "" {
		next.Kind = p.Kind
	}
	if next.Kind != p.Kind {
		return alerts.InvalidField("hand_to", "must be of the same kind as the post that is handed over")
	}
	// The term that ends is saved first: a grid has one leader at a time.
	id := alerts.NewID(c.now)
	p.HandedTo = id
	if err := c.SavePost(*p); err != nil {
		return err
	}
	to, err := c.addPost(ctx, g, next, id, p.To)
	if err != nil {
		return err
	}
	return c.postChanged(s, g, to, "take over")
}
