package alerts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// MachineRights are the rights that a machine token can have. What needs a
// person who answers for it is left out: accounts, tokens, moves in cases and
// who reported.
var MachineRights = [...]Right{ViewMap, WatchVideo, Report, ReadIncidents, ReadAlerts, ReadCases, ExportLists, ReadAudit,
	ManageCameras, ManagePlaces, ManageSources}

// MachineUser is Scope.User of a machine token, so that what it does can be
// told from what people and the system do.
func MachineUser(tokenID string) string { return machinePrefix + tokenID }

const machinePrefix = "token:"

// Machine tells whether a machine token calls, and not a person.
func (s Scope) Machine() bool { return strings.HasPrefix(s.User, machinePrefix) }

// TokenPrefix begins every machine token, so that one that was left lying about
// can be told for what it is.
const TokenPrefix = "shpt_"

const secretBytes = 32

// NewSecret returns 256 random bits as text.
func NewSecret() string {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// TokenHash returns what is kept of a machine token; not ok where the text
// cannot be one.
func TokenHash(token string) (hash []byte, ok bool) {
	secret, ok := strings.CutPrefix(token, TokenPrefix)
	if b, err := base64.RawURLEncoding.DecodeString(secret); !ok || err != nil || len(b) != secretBytes {
		return nil, false
	}
	sum := sha256.Sum256([]byte(token))
	return sum[:], true
}

// Token lets a machine call the API in somebody's stead. What it may is looked
// up at each call: its own rights and area, as far as its maker has them then.
type Token struct {
	ID        string
	Name      string // of the machine, for people
	Rights    []Right
	AreaID    string
	AreaPath  string // filled by the store
	Hash      []byte // SHA-256 of the token, which is shown once and kept by nobody
	CreatedBy string // id of the user
	CreatedAt time.Time
	Expires   time.Time
	UsedAt    time.Time // to the minute; zero: never
	RevokedAt time.Time // zero: it counts
}

// Lend returns what somebody lends to a machine: of the rights those that he has
// himself, in an area that lies in his. Whoever may not make tokens (any more)
// lends nothing: the scope is zero.
func Lend(maker User, rights []Right, areaPath string) Scope {
	own := Scope{Role: maker.Role}
	switch {
	case maker.AreaPath != "":
		own.Paths = []string{maker.AreaPath}
	case maker.AreaID == "" && maker.Role == Admin: // the first one, made before there was an area
		own.Paths = []string{"/"}
	}
	if maker.Disabled || !own.Can(ManageTokens) || areaPath == "" || !own.Covers(areaPath) {
		return Scope{}
	}
	var lent []Right
	for _, r := range rights {
		if own.Can(r) && slices.Contains(MachineRights[:], r) {
			lent = append(lent, r)
		}
	}
	if len(lent) == 0 {
		return Scope{}
	}
	return Scope{Paths: []string{areaPath}, Extra: lent}
}

// HookState says whether a webhook is called.
type HookState string

// The states of webhooks.
const (
	HookActive HookState = "active"
	HookPaused HookState = "paused" // by hand; goes on where it stopped
	HookDead   HookState = "dead"   // failed too often or for too long; goes on when it is retried by hand
)

// Webhook is an address that is told of events, signed, in order, at least
// once each.
type Webhook struct {
	ID        string
	Name      string
	URL       string // as it may be shown: without its query
	Kinds     []EventKind
	AreaID    string
	AreaPath  string // filled by the store
	Sealed    []byte // encrypted HookTarget
	CreatedBy string // id of the user; nothing is sent that he could not read
	CreatedAt time.Time
	Version   int64
	Progress  HookProgress
}

// HookTarget is what of a webhook is stored sealed and shown to nobody: people
// put passwords into addresses.
type HookTarget struct {
	URL    string `json:"url"`    // whole
	Secret string `json:"secret"` // key of the signatures; shown once
}

// HookProgress is how far a webhook has come. It changes without a new Version.
type HookProgress struct {
	State    HookState
	Cursor   int64     // number of the last event that was delivered, or was none of his
	Failures int       // in a row
	FailedAt time.Time // first of them
	NextAt   time.Time // not called again before
	SentAt   time.Time // last success
	Error    string    // of the last failure; no word of what the other side answered
}

// Delivery is one try to deliver an event. The newest ones of each webhook are
// kept.
type Delivery struct {
	ID        string // of the event for this webhook, the same at each try
	WebhookID string
	Seq       int64
	Kind      EventKind
	At        time.Time
	Try       int // from 1
	Status    int // HTTP; 0: no answer
	Took      time.Duration
	Error     string // empty: delivered
}

// HookKinds are the kinds of events that a webhook can be told of.
var HookKinds = [...]EventKind{IncidentCreated, CaseChanged, CaseCommented, AlertRaised, AlertRepeated, CameraSaved, CameraRemoved,
	PlacesChanged, RegisterChanged, RulesChanged}

// Events for the process alone.
const (
	WebhooksChanged EventKind = "webhooks.changed" // look at them again
	TokenRevoked    EventKind = "token.revoked"    // what it has open ends
)

// MachineReader is the part of Reader about machine tokens and webhooks.
type MachineReader interface {
	// Tokens lists those that are not revoked, by name; TokenByHash finds
	// revoked and expired ones as well.
	Tokens(ctx context.Context, s Scope) ([]Token, error)
	Token(ctx context.Context, s Scope, id string) (Token, error)
	TokenByHash(ctx context.Context, s Scope, hash []byte) (Token, error)
	Webhooks(ctx context.Context, s Scope) ([]Webhook, error) // by name
	Webhook(ctx context.Context, s Scope, id string) (Webhook, error)
	// Deliveries lists the newest tries of a webhook, newest first.
	Deliveries(ctx context.Context, webhookID string, limit int) ([]Delivery, error)
}

// KeptDeliveries is how many tries of each webhook are kept.
const KeptDeliveries = 100

// MachineTx is the part of Tx about machine tokens and webhooks.
type MachineTx interface {
	SaveToken(Token) error                    // all but UsedAt of one that exists
	TouchToken(id string, at time.Time) error // sets UsedAt
	// SaveWebhook stores all but Progress of one that exists: Conflict on
	// Version, as with cameras.
	SaveWebhook(Webhook) error
	SaveHookProgress(id string, p HookProgress) error // NotFound when it was removed
	RemoveWebhook(id string) error                    // and its deliveries
	AddDelivery(Delivery) error                       // and drops those beyond KeptDeliveries
	// Lease takes, or takes again, a named lease for a holder until a time,
	// unless another holder's has not run out by now.
	Lease(name, holder string, now, until time.Time) (bool, error)
}
