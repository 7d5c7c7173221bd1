package auth

import (
	"context"
	"crypto/rand"
	"fmt"

	"sharpeyes/alerts"
)

// AdminName is the user name of the first administrator.
const AdminName = "admin"

// EnsureAdmin makes the first administrator where the store has no
// administrator yet: with the given password, or with one made here, which is
// returned to be shown once. It returns "" where nothing was made up.
func (a *Auth) EnsureAdmin(ctx context.Context, password string) (generated string, err error) {
	if there, err := a.hasAdmin(ctx); err != nil || there {
		return "", err
	}
	if password == "" {
		password = rand.Text() // 130 bits
		generated = password
	}
	hash, err := a.HashPassword(ctx, AdminName, password)
	if err != nil {
		return "", fmt.Errorf("password of the first administrator: %w", err)
	}
	root, err := a.root(ctx)
	if err != nil {
		return "", err
	}
	now := a.Clock()
	err = a.store.Write(ctx, func(tx alerts.Tx) error {
		u := alerts.User{
			ID: alerts.NewID(now), Username: AdminName, Name: "管理员", Role: alerts.Admin,
			AreaID: root, PasswordHash: hash, SessionsFrom: now,
		}
		if err := tx.SaveUser(u); err != nil {
			return err
		}
		err := tx.AppendAudit(&alerts.AuditEntry{At: now, Kind: alerts.AuditConfig, AreaID: root, Object: "user/" + u.ID,
			Details: map[string]string{"action": "create", "username": u.Username, "role": string(u.Role)}})
		if err != nil {
			return err
		}
		return tx.Append(&alerts.Event{At: now, Kind: alerts.UserChanged, AreaID: root, ID: u.ID})
	})
	if err != nil {
		return "", fmt.Errorf("make the first administrator: %w", err)
	}
	return generated, nil
}

func (a *Auth) hasAdmin(ctx context.Context) (bool, error) {
	page := alerts.Page{Limit: 1000}
	for {
		users, next, err := a.store.Users(ctx, alerts.System(), page)
		if err != nil {
			return false, fmt.Errorf("look for an administrator: %w", err)
		}
		for _, u := range users {
			if u.Role == alerts.Admin && !u.Disabled || u.Username == AdminName {
				return true, nil
			}
		}
		if next == "" {
			return false, nil
		}
		page.Cursor = next
	}
}

// root returns the id of the root area, or "", that is everything, where there
// is none yet or more than one.
func (a *Auth) root(ctx context.Context) (string, error) {
	areas, err := a.store.Areas(ctx, alerts.System())
	if err != nil {
		return "", fmt.Errorf("look for the root area: %w", err)
	}
	root := ""
	for _, area := range areas {
		if area.ParentID != "" {
			continue
		}
		if root != "" {
			return "", nil
		}
		root = area.ID
	}
	return root, nil
}
