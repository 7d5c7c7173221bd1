package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/configs"
)

// account is one line of the accounts file.
type account struct {
	Role     alerts.Role `json:"role"`
	Username string      `json:"username"`
	Password string      `json:"password"`
	name     string
}

// given is what the data folder remembers of an account's password, so that a
// restart on the same folder keeps it, and with it everybody's session. It
// stands beside the database that it opens, and only in a demo's folder.
type given struct {
	Password string `json:"password"`
	Hash     string `json:"hash"` // another one stored: somebody changed the password
}

// firstOfEach returns the accounts that the demo shows first: one a role.
func firstOfEach(accounts []account) (first, others []account) {
	seen := map[alerts.Role]bool{}
	for _, a := range accounts {
		if seen[a.Role] {
			others = append(others, a)
			continue
		}
		seen[a.Role] = true
		first = append(first, a)
	}
	return first, others
}

// demoAccounts makes the town's people, with passwords made for this folder.
func demoAccounts(ctx context.Context, a *app) ([]account, error) {
	people, err := configs.People()
	if err != nil {
		return nil, err
	}
	file := a.data.file("demo-accounts.json")
	before, err := readGiven(file)
	if err != nil {
		return nil, err
	}
	now := map[string]given{}
	var out []account
	for _, p := range people {
		g, err := settle(ctx, a, p, before[p.Username])
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", p.Username, err)
		}
		now[p.Username] = g
		out = append(out, account{alerts.Role(p.Role), p.Username, g.Password, p.Name})
	}
	raw, err := json.Marshal(now)
	if err != nil {
		return nil, err
	}
	return out, writeDurable(file, raw, 0o600)
}

func readGiven(file string) (map[string]given, error) {
	out := map[string]given{}
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(raw, &out) != nil {
		return map[string]given{}, nil // damaged: everybody gets a new password
	}
	return out, nil
}

// settle makes one account, or brings it back to what the town has it as.
func settle(ctx context.Context, a *app, p configs.Person, before given) (given, error) {
	system := alerts.System()
	u, err := a.store.UserByName(ctx, system, p.Username)
	known := err == nil
	if err != nil && alerts.KindOf(err) != alerts.NotFound {
		return given{}, err
	}
	role := alerts.Role(p.Role)
	if known && before.Hash != "" && before.Hash == u.PasswordHash && u.Role == role && u.AreaID == p.AreaID && u.DepartmentID == p.DepartmentID && !u.Disabled {
		return before, nil
	}
	password := secret()
	hash, err := a.auth.HashPassword(ctx, p.Username, password)
	if err != nil {
		return given{}, err
	}
	if known {
		no := false
		_, err = a.desk.ChangeUser(ctx, system, u.ID, desk.UserPatch{Name: &p.Name, Role: &role, AreaID: &p.AreaID,
			DepartmentID: &p.DepartmentID, Disabled: &no, PasswordHash: &hash})
	} else {
		_, err = a.desk.CreateUser(ctx, system, desk.UserInput{Username: p.Username, Name: p.Name, Role: role, AreaID: p.AreaID,
			DepartmentID: p.DepartmentID, PasswordHash: hash})
	}
	return given{password, hash}, err
}
