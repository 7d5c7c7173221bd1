// Package pgtest starts a real PostgreSQL for the tests of a package.
//
// One server serves a whole test binary and is started by the first test that
// asks for a database; every test gets an empty database of its own:
//
//	var postgres pgtest.Server
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(postgres.Around(m)) }
//
//	func TestX(t *testing.T) { open(t, postgres.URL(t)) }
//
// The server listens on a Unix socket in a temporary folder alone, and ends with
// the test binary whatever becomes of that. Its language sorts otherwise than
// bytes do, as an operator's may. It does not wait for the disk: what a killed
// server had committed is there when it starts again, what a machine without
// power had is not.
//
// Where PostgreSQL is not installed the tests fail; they are never skipped.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

// startWithin is how long the server may take to answer.
const startWithin = 60 * time.Second

// Server is one PostgreSQL; the zero value starts when it is first needed.
type Server struct {
	mu      sync.Mutex
	folder  string // data and socket
	command *exec.Cmd
	made    int // databases
}

// URL makes an empty database and returns its address. It is dropped when the
// test ends.
func (s *Server) URL(t testing.TB) string {
	t.Helper()
	return s.make(t, "")
}

// Copy makes a database that holds what the one at an address does, to which
// nobody may be connected.
func (s *Server) Copy(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return s.make(t, " TEMPLATE "+strings.TrimPrefix(u.Path, "/"))
}

func (s *Server) make(t testing.TB, how string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	s.made++
	name := "test" + strconv.Itoa(s.made)
	if err := s.do("CREATE DATABASE " + name + how); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.command == nil {
			return
		}
		if err := s.do("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return s.address(name)
}

// Exec runs a statement in the database at an address.
func (s *Server) Exec(t testing.TB, address, statement string) {
	t.Helper()
	if err := execute(address, statement); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

// Start starts the server again after Stop or Kill, with all its databases.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Stop ends the server as an operator does; connections are cut off.
func (s *Server) Stop(t testing.TB) { s.end(t, syscall.SIGINT) }

// Kill ends the server as a crash does.
func (s *Server) Kill(t testing.TB) { s.end(t, syscall.SIGKILL) }

func (s *Server) end(t testing.TB, by syscall.Signal) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stop(by); err != nil {
		t.Fatal(err)
	}
}

// Close ends the server, if it was started, and removes all it had.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.stop(syscall.SIGQUIT)
	if s.folder != "" {
		err = errors.Join(err, os.RemoveAll(s.folder))
		s.folder = ""
	}
	return err
}

// Around is m with the server closed after its tests.
func (s *Server) Around(m interface{ Run() int }) interface{ Run() int } { return around{s, m} }

type around struct {
	server *Server
	tests  interface{ Run() int }
}

// Run runs the tests.
func (a around) Run() int {
	code := a.tests.Run()
	if err := a.server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

func (s *Server) address(database string) string {
	return (&url.URL{Scheme: "postgres", Path: "/" + database,
		RawQuery: url.Values{"host": {s.folder}, "user": {superuser}}.Encode()}).String()
}

func (s *Server) do(statement string) error { return execute(s.address("postgres"), statement) }

func execute(address, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, statement)
	return errors.Join(err, c.Close(ctx))
}

// superuser needs no password; Guarded says who does.
const superuser = "sharpeyes"

// Guarded is an account that signs in with GuardedPassword alone. It owns
// nothing but what it is given.
const (
	Guarded         = "guarded"
	GuardedPassword = "p@ss:w/rd?#%"
)

const access = `local all ` + Guarded + ` scram-sha-256
local all all trust
`

const settings = `listen_addresses = ''
fsync = off
full_page_writes = off
max_connections = 60
log_min_messages = warning
`

func (s *Server) start() error {
	if s.command != nil {
		return nil
	}
	programs, err := installed()
	if err != nil {
		return err
	}
	owner, err := account()
	if err != nil {
		return err
	}
	fresh := s.folder == ""
	if fresh {
		if err := s.initialise(programs, owner); err != nil {
			return fmt.Errorf("pgtest: %w", err)
		}
	}
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	defer func() { _ = log.Close() }()
	err = s.run(func() *exec.Cmd {
		c := exec.Command(filepath.Join(programs, "postgres"), "-D", filepath.Join(s.folder, "data"), "-k", s.folder)
		c.Dir, c.Stdout, c.Stderr = s.folder, log, log
		c.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
		return c
	})
	if err == nil && fresh {
		err = s.do("CREATE ROLE " + Guarded + " LOGIN PASSWORD '" + GuardedPassword + "'")
	}
	return err
}

// run starts the process and waits until it answers. After a crash it cannot
// start before the last process of the one before has gone.
func (s *Server) run(command func() *exec.Cmd) error {
	limit := time.Now().Add(startWithin)
	for {
		c := command()
		if err := c.Start(); err != nil {
			return fmt.Errorf("pgtest: %w", err)
		}
		s.command = c
		for !ended(c.Process.Pid) {
			err := s.do("SELECT 1")
			if err == nil {
				return nil
			}
			if time.Now().After(limit) {
				return errors.Join(fmt.Errorf("pgtest: no answer within %v: %w", startWithin, err), s.stop(syscall.SIGQUIT))
			}
			time.Sleep(10 * time.Millisecond)
		}
		_ = c.Wait()
		s.command = nil
		said, _ := os.ReadFile(filepath.Join(s.folder, "log"))
		if !strings.Contains(string(said), "shared memory") && !strings.Contains(string(said), "lock file") || time.Now().After(limit) {
			return fmt.Errorf("pgtest: the server ended:\n%s", said)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Server) stop(by syscall.Signal) error {
	if s.command == nil {
		return nil
	}
	c := s.command
	s.command = nil
	if err := c.Process.Signal(by); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	_ = c.Wait() // its way to end is of no interest
	return nil
}

// ended tells whether a child has ended, and leaves it to be waited for.
func ended(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err != nil || info.Signo != 0
}

func (s *Server) initialise(programs string, owner *syscall.Credential) error {
	folder, err := os.MkdirTemp("", "pg") // a short name: socket paths are bounded
	if err != nil {
		return err
	}
	fail := func(err error) error { return errors.Join(err, os.RemoveAll(folder)) }
	if owner != nil {
		if err := os.Chown(folder, int(owner.Uid), int(owner.Gid)); err != nil {
			return fail(err)
		}
	}
	c := exec.Command(filepath.Join(programs, "initdb"), "-D", filepath.Join(folder, "data"), "--username", superuser, "--encoding=UTF8",
		"--locale=C", "--locale-provider=icu", "--icu-locale=en-US", "--auth=trust", "--no-sync", "--no-instructions")
	c.Dir, c.SysProcAttr = folder, &syscall.SysProcAttr{Credential: owner}
	if out, err := c.CombinedOutput(); err != nil {
		return fail(fmt.Errorf("initdb: %w\n%s", err, out))
	}
	for name, text := range map[string]string{"pg_hba.conf": access, "postgresql.auto.conf": settings} {
		if err := os.WriteFile(filepath.Join(folder, "data", name), []byte(text), 0o600); err != nil {
			return fail(err)
		}
	}
	s.folder = folder
	return nil
}

// installed is the folder of the newest PostgreSQL's programs.
func installed() (string, error) {
	newest, at := -1, ""
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	for _, f := range found {
		folder := filepath.Dir(f)
		if n, err := strconv.Atoi(filepath.Base(filepath.Dir(folder))); err == nil && n > newest {
			newest, at = n, folder
		}
	}
	if at != "" {
		return at, nil
	}
	if f, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(f), nil
	}
	return "", errors.New("pgtest: these tests need PostgreSQL's server: apt-get install postgresql")
}

// account is who runs the server: not root, which it refuses.
func account() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("pgtest: root needs the account postgres to run the server: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("pgtest: account postgres: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("pgtest: account postgres: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
