package auth

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// token stores a token of the leader "boss" of the city and returns its text.
func (w *world) token(t *testing.T, set func(*alerts.Token)) string {
	t.Helper()
	text := alerts.TokenPrefix + alerts.NewSecret()
	hash, ok := alerts.TokenHash(text)
	if !ok {
		t.Fatal("a new token is none")
	}
	v := alerts.Token{ID: "t1", Name: "platform", Rights: []alerts.Right{alerts.ViewMap, alerts.ReadIncidents}, AreaID: "east", Hash: hash,
		CreatedBy: "u-boss", CreatedAt: w.clock.Now(), Expires: w.clock.Now().Add(time.Hour)}
	if set != nil {
		set(&v)
	}
	w.write(t, func(tx alerts.Tx) error {
		if _, err := tx.User(t.Context(), alerts.System(), "u-boss"); err != nil {
			boss := w.user("boss")
			boss.Role, boss.AreaID = alerts.Leader, "city"
			if err := tx.SaveUser(boss); err != nil {
				return err
			}
		}
		return tx.SaveToken(v)
	})
	return text
}

func withBearer(token string, cookies ...*http.Cookie) *http.Request {
	r := request("192.0.2.1", cookies...)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func TestTokenIsTheMachine(t *testing.T) {
	w := newWorld(t, nil)
	text := w.token(t, nil)
	p, err := w.Authenticate(withBearer(text))
	if err != nil {
		t.Fatal(err)
	}
	s := p.Scope
	if s.User != "token:t1" || s.Name != "platform" || s.Role != "" || s.Home != "" || p.Machine != "t1" || s.Address == "" ||
		!slices.Equal(s.Paths, []string{"/city/east/"}) || !s.Can(alerts.ReadIncidents) || s.Can(alerts.WatchVideo) || s.Can(alerts.ReadCases) {
		t.Errorf("%+v", p)
	}
	if got, err := w.store.Token(t.Context(), alerts.System(), "t1"); err != nil || !got.UsedAt.Equal(w.clock.Now().Truncate(time.Minute)) {
		t.Errorf("used %v (%v)", got.UsedAt, err)
	}
	// With a cookie beside it the token alone counts, whatever it is worth.
	_, cookie := w.signIn(t, "li")
	if p, err := w.Authenticate(withBearer(text, cookie)); err != nil || p.Machine != "t1" {
		t.Errorf("%+v (%v)", p, err)
	}
	if _, err := w.Authenticate(withBearer("shpt_wrong", cookie)); alerts.KindOf(err) != alerts.Unauthenticated {
		t.Errorf("a wrong token beside a good cookie: %v", err)
	}
	// What a proxy wants of the browser is not ours.
	r := request("192.0.2.1", cookie)
	r.Header.Set("Authorization", "Basic eDp5")
	if p, err := w.Authenticate(r); err != nil || p.User.ID != "u-li" {
		t.Errorf("%+v (%v)", p, err)
	}
}

func TestTokensThatDoNotCount(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *world){
		"expired": func(_ *testing.T, w *world) { w.clock.add(time.Hour) },
		"revoked": func(t *testing.T, w *world) { w.revoke(t) },
		"its maker was disabled": func(t *testing.T, w *world) {
			w.changeUser(t, "u-boss", func(u *alerts.User) { u.Disabled = true })
		},
		"its maker is a leader no more": func(t *testing.T, w *world) {
			w.changeUser(t, "u-boss", func(u *alerts.User) { u.Role = alerts.DutyOfficer })
		},
		"its maker was moved": func(t *testing.T, w *world) {
			w.changeUser(t, "u-boss", func(u *alerts.User) { u.AreaID = "west" })
		},
		"its maker may read nothing of it": func(t *testing.T, w *world) {
			w.write(t, func(tx alerts.Tx) error {
				v, err := tx.Token(t.Context(), alerts.System(), "t1")
				if err != nil {
					return err
				}
				v.Rights = []alerts.Right{alerts.ReadAudit, alerts.ManageUsers, alerts.ManageTokens}
				return tx.SaveToken(v)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			text := w.token(t, nil)
			if _, err := w.Authenticate(withBearer(text)); err != nil {
				t.Fatal(err)
			}
			change(t, w)
			_, err := w.Authenticate(withBearer(text))
			if alerts.KindOf(err) != alerts.Unauthenticated || strings.Contains(err.Error(), text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func (w *world) revoke(t *testing.T) {
	t.Helper()
	w.write(t, func(tx alerts.Tx) error {
		v, err := tx.Token(t.Context(), alerts.System(), "t1")
		if err != nil {
			return err
		}
		v.RevokedAt = w.clock.Now()
		return tx.SaveToken(v)
	})
	_ = w.bus.Publish(t.Context(), alerts.Event{Kind: alerts.TokenRevoked, ID: "t1"})
}

func (w *world) changeUser(t *testing.T, id string, change func(*alerts.User)) {
	t.Helper()
	w.write(t, func(tx alerts.Tx) error {
		u, err := tx.User(t.Context(), alerts.System(), id)
		if err != nil {
			return err
		}
		change(&u)
		return tx.SaveUser(u)
	})
	_ = w.bus.Publish(t.Context(), alerts.Event{Kind: alerts.UserChanged, ID: id})
}

// Rights are those of the token as far as its maker has them, at each call.
func TestTokenHasNoMoreThanItsMaker(t *testing.T) {
	w := newWorld(t, nil)
	text := w.token(t, func(v *alerts.Token) {
		v.Rights = []alerts.Right{alerts.ViewMap, alerts.ReadIncidents, alerts.ManageCameras, alerts.WorkCases, alerts.ManageUsers}
	})
	rights := func() (out []alerts.Right) {
		p, err := w.Authenticate(withBearer(text))
		if err != nil {
			t.Fatal(err)
		}
		return p.Scope.Extra
	}
	if got := rights(); !slices.Equal(got, []alerts.Right{alerts.ViewMap, alerts.ReadIncidents}) {
		t.Errorf("of a leader: %v", got)
	}
	w.changeUser(t, "u-boss", func(u *alerts.User) { u.Role = alerts.Admin })
	if got := rights(); !slices.Equal(got, []alerts.Right{alerts.ViewMap, alerts.ManageCameras}) {
		t.Errorf("of an administrator: %v", got)
	}
}

func TestMalformedTokens(t *testing.T) {
	w := newWorld(t, nil)
	good := w.token(t, nil)
	for _, header := range []string{"Bearer", "Bearer ", "bearer x", "Bearer " + good + "x", "Bearer " + good[:len(good)-1], "Bearer " + strings.ToUpper(good),
		"Bearer " + strings.TrimPrefix(good, alerts.TokenPrefix), "Bearer " + alerts.TokenPrefix + alerts.NewSecret(), "Bearer " + strings.Repeat("x", 300),
		"Bearer " + good + " " + good, "Bearer \x00"} {
		r := request("198.51.100.1")
		r.Header.Set("Authorization", header)
		if _, err := w.Authenticate(r); alerts.KindOf(err) != alerts.Unauthenticated {
			t.Errorf("%.20q: %v", header, err)
		}
	}
}

func TestTokensAreThrottled(t *testing.T) {
	w := newWorld(t, nil)
	text := w.token(t, nil)
	var err error
	for range sourceBurst + 1 {
		r := request("192.0.2.7")
		r.Header.Set("Authorization", "Bearer "+alerts.TokenPrefix+alerts.NewSecret())
		_, err = w.Authenticate(r)
	}
	var wait *Wait
	if alerts.KindOf(err) != alerts.TooMany || !errors.As(err, &wait) {
		t.Errorf("got %v", err)
	}
	if _, err := w.Authenticate(withBearer(text)); err != nil {
		t.Errorf("another address: %v", err)
	}
	w.clock.add(sourceEvery)
	r := request("192.0.2.7")
	r.Header.Set("Authorization", "Bearer "+text)
	if _, err := w.Authenticate(r); err != nil {
		t.Errorf("after waiting: %v", err)
	}
}

// What a machine has open ends with its token, like a session's.
func TestWatchedTokensEnd(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(*testing.T, *world)
		want Reason
	}{
		"revoked": {func(t *testing.T, w *world) { w.revoke(t) }, SessionOver},
		"expired": {func(_ *testing.T, w *world) { w.clock.add(time.Hour) }, SessionOver},
		"maker disabled": {func(t *testing.T, w *world) {
			w.changeUser(t, "u-boss", func(u *alerts.User) { u.Disabled = true })
		}, SessionOver},
		"maker lost one right": {func(t *testing.T, w *world) {
			w.changeUser(t, "u-boss", func(u *alerts.User) { u.Role = alerts.Admin })
		}, RightLost},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			p, err := w.Authenticate(withBearer(w.token(t, nil)))
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan Reason, 1)
			watch, err := w.Watch(p, func(now Principal) error { return now.Scope.Need(alerts.ReadIncidents) }, func(why Reason) { ended <- why })
			if err != nil {
				t.Fatal(err)
			}
			defer watch.Stop()
			end.do(t, w)
			select {
			case why := <-ended:
				if why != end.want {
					t.Errorf("ended because %s", why)
				}
			case <-time.After(patience):
				t.Error("it goes on")
			}
		})
	}
}

func TestTokenWithTheStoreDown(t *testing.T) {
	w := newWorld(t, nil)
	text := w.token(t, nil)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Authenticate(withBearer(text)); alerts.KindOf(err) != alerts.Unavailable {
		t.Errorf("got %v", err)
	}
}

func FuzzTokenHash(f *testing.F) {
	f.Add(alerts.TokenPrefix + alerts.NewSecret())
	f.Add("shpt_")
	f.Fuzz(func(t *testing.T, s string) {
		if hash, ok := alerts.TokenHash(s); ok && (len(hash) != 32 || !strings.HasPrefix(s, alerts.TokenPrefix)) {
			t.Errorf("%q: %x", s, hash)
		}
	})
}
