package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Headers of a delivery, beside Content-Type: application/json.
const (
	// HeaderSignature is "t=SECONDS,v1=HEX": the time of sending in Unix seconds
	// and HMAC-SHA256 with the webhook's secret over "SECONDS.BODY".
	HeaderSignature = "Sharpeyes-Signature"
	// HeaderDelivery is the same at each try of one event: who has seen it
	// ignores it.
	HeaderDelivery = "Sharpeyes-Delivery"
	HeaderEvent    = "Sharpeyes-Event" // kind
	HeaderTry      = "Sharpeyes-Try"   // from 1
)

// Window is how old, or how far ahead, a signature's time may be for a receiver;
// what is older is a replay.
const Window = 5 * time.Minute

// Sign returns the signature header of a body.
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret, t string, body []byte) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(t))
	m.Write([]byte{'.'})
	m.Write(body)
	return m.Sum(nil)
}

// Verify is what a receiver does: it checks a signature header and its time.
func Verify(secret, header string, body []byte, now time.Time) error {
	t, v1, ok := strings.Cut(header, ",")
	t, ok1 := strings.CutPrefix(t, "t=")
	v1, ok2 := strings.CutPrefix(v1, "v1=")
	seconds, err := strconv.ParseInt(t, 10, 64)
	given, err2 := hex.DecodeString(v1)
	if !ok || !ok1 || !ok2 || err != nil || err2 != nil {
		return errors.New("webhooks: the signature is not t=SECONDS,v1=HEX")
	}
	if !hmac.Equal(given, mac(secret, t, body)) {
		return errors.New("webhooks: the signature does not fit")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > Window || age < -Window {
		return errors.New("webhooks: the signature is too old, or from the future")
	}
	return nil
}
