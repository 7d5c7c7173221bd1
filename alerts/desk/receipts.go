package desk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"

	"sharpeyes/alerts"
)

// A receipt's code is 128 random bits as 26 letters and digits; whoever has it
// may ask what became of the report. Only its hash is kept, and, as long as the
// idempotency key of the report, the code sealed by the vault, so that a replay
// gets the same receipt.
var receiptPattern = regexp.MustCompile(`^[a-z2-7]{26}$`)

// newReceiptCode returns a new code.
func newReceiptCode() string { return strings.ToLower(rand.Text()) }

func receiptHash(code string) string {
	sum := sha256.Sum256([]byte("receipt/" + code))
	return hex.EncodeToString(sum[:])
}

// sealedReport is what an idempotency key of a report stands for: the incident,
// and the sealed code of its receipt.
func (d *Desk) sealedReport(id, code string) (string, error) {
	if d.Vault == nil {
		return id, nil
	}
	sealed, err := d.Vault.Seal([]byte(code))
	if err != nil {
		return "", err
	}
	return id + " " + base64.RawStdEncoding.EncodeToString(sealed), nil
}

// openReport takes apart what sealedReport made. A code that cannot be opened,
// for the vault has another key by now, is left out.
func (d *Desk) openReport(object string) (id, code string) {
	id, text, _ := strings.Cut(object, " ")
	sealed, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || text == "" || d.Vault == nil {
		return id, ""
	}
	plain, err := d.Vault.Open(sealed)
	if err != nil {
		return id, ""
	}
	return id, string(plain)
}

// CheckReceipt tells what became of a report to whoever has its receipt's code.
// It needs no account and shows no personal data; who calls it limits how often
// it may be tried.
func (d *Desk) CheckReceipt(ctx context.Context, code string) (ReceiptState, error) {
	code = strings.ToLower(strings.TrimSpace(code))
	none := alerts.Errorf(alerts.NotFound, "there is no receipt with this code: check each of its 26 characters")
	if !receiptPattern.MatchString(code) {
		return ReceiptState{}, none
	}
	id, err := d.store.IncidentOfReceipt(ctx, receiptHash(code))
	if alerts.KindOf(err) == alerts.NotFound && err != nil {
		return ReceiptState{}, none
	}
	if err != nil {
		return ReceiptState{}, err
	}
	all := alerts.System()
	i, err := d.store.Incident(ctx, all, id)
	if err != nil {
		return ReceiptState{}, err
	}
	l, err := d.store.FilingOf(ctx, id)
	if err != nil {
		return ReceiptState{}, err
	}
	k, err := d.store.Case(ctx, all, l.CaseID)
	if err != nil {
		return ReceiptState{}, err
	}
	v := ReceiptState{Number: i.Number, ReceivedAt: i.ReceivedAt, Hash: i.Hash, State: "open", Step: k.Step}
	if !k.Open() {
		v.State = string(k.Outcome)
	}
	return v, nil
}
