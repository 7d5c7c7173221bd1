package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"sharpeyes/alerts"
)

// maxEventData bounds an event's data; see alerts.Event.
const maxEventData = 64 << 10

var errOver = errors.New("store: a transaction was used after its end")

// tx implements alerts.Tx. It belongs to one fn and is dead when fn returns.
type tx struct {
	queries
	now     alerts.Clock
	ready   *statements // nil where the driver keeps statements
	changes *changes
	over    bool
}

var _ alerts.Tx = (*tx)(nil)

func (t *tx) exec(query string, args ...any) error {
	if t.over {
		return errOver
	}
	if _, err := t.db.ExecContext(context.Background(), query, args...); err != nil {
		return classify(err)
	}
	return nil
}

func (t *tx) insert(row any) error {
	if t.over {
		return errOver
	}
	var err error
	if table := t.table(row); table != nil {
		_, err = t.execReady(table.insert, table.values(row))
	} else {
		_, err = t.db.NewInsert().Model(row).Exec(context.Background())
	}
	if err != nil {
		return classify(err)
	}
	return nil
}

// upsert inserts a row or replaces the columns of the one with the same key.
func (t *tx) upsert(row any, key string, columns ...string) error {
	if t.over {
		return errOver
	}
	set := make([]string, len(columns))
	for i, c := range columns {
		set[i] = c + " = EXCLUDED." + c
	}
	conflict, sets := "CONFLICT ("+key+") DO UPDATE", strings.Join(set, ", ")
	var err error
	if table := t.table(row); table != nil {
		_, err = t.execReady(table.insert+" ON "+conflict+" SET "+sets, table.values(row))
	} else {
		_, err = t.db.NewInsert().Model(row).On(conflict).Set(sets).Exec(context.Background())
	}
	if err != nil {
		return classify(err)
	}
	return nil
}

// replace inserts a row of version 1, or updates the one with the version
// before: the row carries the version it will have.
func (t *tx) replace(row any, version int64, what, id string) error {
	if t.over {
		return errOver
	}
	if version == 1 {
		return t.insert(row)
	}
	var res sql.Result
	var err error
	if table := t.table(row); table != nil {
		res, err = t.execReady(table.update, append(table.changed(row), version-1))
	} else {
		res, err = t.db.NewUpdate().Model(row).WherePK().Where("version = ?", version-1).Exec(context.Background())
	}
	if err != nil {
		return classify(err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return alerts.Errorf(alerts.Conflict, "%s %s was changed or removed meanwhile: load it again", what, id)
	}
	return nil
}

// refused says what a failed write of an object in an area means.
func refused(err error, what, id string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTaken):
		return &alerts.Error{Kind: alerts.Conflict, Message: fmt.Sprintf("%s %s exists already", what, id), Err: err}
	case errors.Is(err, errMissing):
		e := alerts.InvalidField("area_id", "there is no such area or grid")
		e.Err = err
		return e
	}
	return fmt.Errorf("store: save %s: %w", what, err)
}

// SaveArea inserts or replaces an area, or the version of it that begins at its
// ValidFrom, and keeps the paths below it in order.
func (t *tx) SaveArea(a alerts.Area) error {
	if a.ID == "" || strings.ContainsAny(a.ID, "/\x00") {
		return alerts.InvalidField("id", "an area's id must not be empty nor hold a slash")
	}
	ctx := context.Background()
	parent := "/"
	if a.ParentID != "" {
		p, err := t.Area(ctx, alerts.System(), a.ParentID)
		if alerts.KindOf(err) == alerts.NotFound {
			return alerts.InvalidField("parent_id", "there is no area %q: save the parent first", a.ParentID)
		}
		if err != nil {
			return err
		}
		parent = p.Path
	}
	a.Path = parent + a.ID + "/"
	old, err := t.Area(ctx, alerts.System(), a.ID)
	if err != nil && alerts.KindOf(err) != alerts.NotFound {
		return err
	}
	if old.Path != "" && strings.HasPrefix(parent, old.Path) {
		return alerts.InvalidField("parent_id", "area %q cannot lie below itself", a.ID)
	}
	t.changes.areas = true
	row, err := areaToRow(a)
	if err != nil {
		return err
	}
	if err := t.upsert(&row, "id", areaColumns...); err != nil {
		return refused(err, "area", a.ID)
	}
	if err := t.saveAreaVersion(row); err != nil {
		return refused(err, "area", a.ID)
	}
	if old.Path == "" || old.Path == a.Path {
		return nil
	}
	err = t.exec("UPDATE areas SET path = ? || substr(path, ?) WHERE path >= ? AND path < ?",
		a.Path, utf8.RuneCountInString(old.Path)+1, old.Path, pathEnd(old.Path))
	return refused(err, "area", a.ID)
}

// SaveGrid inserts or replaces a grid, or the version of it that begins at its
// ValidFrom.
func (t *tx) SaveGrid(g alerts.Grid) error {
	row, err := gridToRow(g)
	if err != nil {
		return err
	}
	if err := t.upsert(&row, "id", gridColumns...); err != nil {
		return refused(err, "grid", g.ID)
	}
	return refused(t.saveGridVersion(row), "grid", g.ID)
}

// SaveCamera stores a camera under its next version.
func (t *tx) SaveCamera(c alerts.Camera) error {
	row := cameraToRow(c, t.now())
	return refused(t.replace(&row, row.Version, "camera", c.ID), "camera", c.ID)
}

// RemoveCamera removes a camera.
func (t *tx) RemoveCamera(id string) error {
	if t.over {
		return errOver
	}
	res, err := t.db.ExecContext(context.Background(), "DELETE FROM cameras WHERE id = ?", id)
	if err != nil {
		return fmt.Errorf("store: remove camera: %w", classify(err))
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return alerts.Errorf(alerts.NotFound, "there is no such camera")
	}
	return nil
}

// NextNumber hands out the next number of a series.
func (t *tx) NextNumber(series string) (int64, error) {
	if t.over {
		return 0, errOver
	}
	var n int64
	err := t.rowReady(`INSERT INTO series (name, value) VALUES (?, 1)
		ON CONFLICT (name) DO UPDATE SET value = series.value + 1 RETURNING value`, &n, series)
	if err != nil {
		return 0, fmt.Errorf("store: number of %s: %w", series, classify(err))
	}
	return n, nil
}

// AddIncident stores an incident and its photos.
func (t *tx) AddIncident(i alerts.Incident) error {
	if i.Number == "" || i.Hash == "" {
		return errors.New("store: an incident needs its number and hash before it is stored")
	}
	row := incidentToRow(i)
	if err := t.insert(&row); err != nil {
		return refused(err, "incident", i.Number)
	}
	if len(i.Photos) == 0 {
		return nil
	}
	photos := make([]photoRow, len(i.Photos))
	for n, p := range i.Photos {
		photos[n] = photoToRow(p, i.ID, n)
	}
	return refused(t.insert(&photos), "photo of incident", i.Number)
}

// AlertByKey returns the newest alert with a key that is recent enough.
func (t *tx) AlertByKey(key string, since time.Time) (alerts.Alert, error) {
	if t.over {
		return alerts.Alert{}, errOver
	}
	var r alertRow
	err := t.sel(&r, alerts.System()).Where("r.same_key = ? AND r.last_at >= ?", key, micros(since)).
		OrderExpr("r.last_at DESC, r.id DESC").Limit(1).Scan(context.Background())
	if err := notFound(err, "alert"); err != nil {
		return alerts.Alert{}, err
	}
	return r.value(), nil
}

// SaveAlert inserts or replaces an alert.
func (t *tx) SaveAlert(a alerts.Alert) error {
	row := alertToRow(a)
	return refused(t.upsert(&row, "id", alertColumns...), "alert", a.ID)
}

// SaveUser stores an account under its next version.
func (t *tx) SaveUser(u alerts.User) error {
	row := userToRow(u)
	err := t.replace(&row, row.Version, "user", u.Username)
	if errors.Is(err, errTaken) {
		return &alerts.Error{Kind: alerts.Conflict, Message: fmt.Sprintf("the user name %s is taken", u.Username), Err: err,
			Faults: []alerts.Fault{{Field: "username", Message: "is taken: choose another"}}}
	}
	return refused(err, "user", u.Username)
}

// SaveSource inserts or replaces a source of alarms.
func (t *tx) SaveSource(s alerts.Source) error {
	row := sourceToRow(s)
	return refused(t.upsert(&row, "id", sourceColumns...), "source", s.ID)
}

// Remember keeps what a key stands for; a key that is kept already is a Conflict.
func (t *tx) Remember(user, key, request, object string) error {
	row := requestRow{UserID: user, Key: key, Request: request, Object: object, CreatedAt: micros(t.now())}
	return refused(t.insert(&row), "request key", key)
}

// Recall returns what a key stands for.
func (t *tx) Recall(user, key string) (request, object string, err error) {
	if t.over {
		return "", "", errOver
	}
	if !storable(user + key) {
		return "", "", alerts.Errorf(alerts.NotFound, "there is no such request key")
	}
	var r requestRow
	err = t.db.NewSelect().Model(&r).Where("r.user_id = ? AND r.request_key = ?", user, key).Scan(context.Background())
	if err := notFound(err, "request key"); err != nil {
		return "", "", err
	}
	return r.Request, r.Object, nil
}

// Append numbers an event and stores it. Where it has an area and no path, the
// path is filled in.
func (t *tx) Append(e *alerts.Event) error {
	if len(e.Data) > maxEventData {
		return fmt.Errorf("store: event %s holds %d bytes, %d at most", e.Kind, len(e.Data), maxEventData)
	}
	if e.At.IsZero() {
		e.At = t.now()
	}
	if e.AreaPath == "" && e.AreaID != "" {
		a, err := t.Area(context.Background(), alerts.System(), e.AreaID)
		if err != nil {
			return err
		}
		e.AreaPath = a.Path
	}
	seq, err := t.NextNumber("event")
	if err != nil {
		return err
	}
	row := eventRow{Seq: seq, At: micros(e.At), Kind: string(e.Kind), AreaID: e.AreaID, AreaPath: e.AreaPath,
		ObjectID: e.ID, Data: string(e.Data), Parties: lines(e.Parties)}
	if err := t.insert(&row); err != nil {
		return fmt.Errorf("store: append event: %w", err)
	}
	e.Seq = seq
	return nil
}
