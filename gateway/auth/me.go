package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// Me is what a signed-in person is told about himself.
type Me struct {
	User       MeUser         `json:"user"`
	Area       MeArea         `json:"area" doc:"the area the account acts in"`
	Trail      []MeStep       `json:"trail" doc:"areas from the root to the account's own"`
	Rights     []alerts.Right `json:"rights" doc:"what the account may do in its area and below"`
	ExpiresAt  time.Time      `json:"expires_at" doc:"the session ends then at the latest"`
	ServerTime time.Time      `json:"server_time"`
}

// MeUser is the account.
type MeUser struct {
	ID       string      `json:"id"`
	Username string      `json:"username"`
	Name     string      `json:"name"`
	Role     alerts.Role `json:"role"`
}

// MeArea is the area, with what a map needs to show it. Without a shape
// anywhere in it, center and bbox are left out.
type MeArea struct {
	ID     string       `json:"id"`
	Name   string       `json:"name"`
	NameEn string       `json:"name_en"`
	Level  alerts.Level `json:"level"`
	Center []float64    `json:"center,omitempty" doc:"lon, lat"`
	BBox   []float64    `json:"bbox,omitempty" doc:"west, south, east, north"`
}

// MeStep is one area of the trail.
type MeStep struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Me describes a principal. Names of the areas above his own are no secret.
func (a *Auth) Me(ctx context.Context, p Principal) (Me, error) {
	me := Me{
		User:       MeUser{ID: p.User.ID, Username: p.User.Username, Name: p.User.Name, Role: p.User.Role},
		Trail:      []MeStep{},
		Rights:     alerts.RightsOf(p.User.Role),
		ExpiresAt:  p.Expires.UTC().Truncate(time.Millisecond),
		ServerTime: a.Clock().UTC().Truncate(time.Millisecond),
	}
	if me.Rights == nil {
		me.Rights = []alerts.Right{}
	}
	var own alerts.Area
	for id := range strings.SplitSeq(strings.Trim(p.User.AreaPath, "/"), "/") {
		if id == "" {
			continue
		}
		area, err := a.store.Area(ctx, alerts.System(), id)
		if err != nil {
			return Me{}, fmt.Errorf("read area of the account: %w", err)
		}
		me.Trail = append(me.Trail, MeStep{ID: area.ID, Name: area.Name})
		own = area
	}
	me.Area = MeArea{ID: own.ID, Name: own.Name, NameEn: own.NameEn, Level: own.Level}
	box := newBox()
	box.add(own.Shape)
	if box.empty() {
		all, err := a.store.Areas(ctx, p.Scope)
		if err != nil {
			return Me{}, fmt.Errorf("read areas of the account: %w", err)
		}
		for _, area := range all {
			box.add(area.Shape)
		}
	}
	if !box.empty() {
		me.Area.BBox = []float64{box.w, box.s, box.e, box.n}
		me.Area.Center = []float64{(box.w + box.e) / 2, (box.s + box.n) / 2}
	}
	return me, nil
}

// box is a bounding box in degrees.
type box struct{ w, s, e, n float64 }

func newBox() *box { return &box{w: 180, s: 90, e: -180, n: -90} }

func (b *box) empty() bool { return b.w > b.e }

func (b *box) add(m alerts.MultiPolygon) {
	for _, polygon := range m {
		for _, ring := range polygon {
			for _, p := range ring {
				b.w, b.e = min(b.w, p.Lon), max(b.e, p.Lon)
				b.s, b.n = min(b.s, p.Lat), max(b.n, p.Lat)
			}
		}
	}
}
