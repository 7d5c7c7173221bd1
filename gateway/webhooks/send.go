package webhooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"sharpeyes/alerts"
)

const (
	maxAnswer    = 64 << 10 // bytes of an answer that are read and thrown away
	maxHeaders   = 16 << 10
	maxAfter     = time.Hour // of a Retry-After
	userAgent    = "sharpeyes-webhooks/1"
	dialWithin   = 5 * time.Second
	idleSessions = 30 * time.Second
)

// Message is the body of a delivery.
type Message struct {
	ID      string `json:"id"`         // of the delivery, the same at each try
	Webhook string `json:"webhook_id"` // which webhook it is
	// Missed says that events before this one are gone: the webhook had not been
	// called for longer than events are kept.
	Missed bool         `json:"missed,omitempty"`
	Event  alerts.Event `json:"event"`
}

// client returns what posts. It follows no redirect, uses no proxy, and neither
// keeps cookies nor unpacks anything.
func (c *Courier) newClient() *http.Client {
	dialer := &net.Dialer{Timeout: dialWithin, Control: c.Guard.control, Resolver: c.resolver}
	return &http.Client{
		Timeout:       c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialWithin, TLSClientConfig: c.TLS.Clone(), DisableCompression: true,
			MaxResponseHeaderBytes: maxHeaders, MaxIdleConns: 64, MaxIdleConnsPerHost: 1, MaxConnsPerHost: 8, IdleConnTimeout: idleSessions,
		},
	}
}

// outcome is what became of one try.
type outcome struct {
	status int
	after  time.Duration // the other side asks to wait
	gone   bool          // the other side wants no more
	fault  string        // empty: delivered
}

// post sends one event once.
func (c *Courier) post(ctx context.Context, t alerts.HookTarget, m Message, try int) outcome {
	body, err := json.Marshal(m)
	if err != nil {
		return outcome{fault: "the event cannot be written"}
	}
	// The address was checked when it was saved; the settings may be others now.
	if err := c.Guard.Check(t.URL); err != nil {
		return outcome{fault: "url: " + err.Error()}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(body))
	if err != nil {
		return outcome{fault: "the address is not valid"}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set(HeaderSignature, Sign(t.Secret, c.Clock(), body))
	req.Header.Set(HeaderDelivery, m.ID)
	req.Header.Set(HeaderEvent, string(m.Event.Kind))
	req.Header.Set(HeaderTry, strconv.Itoa(try))
	answer, err := c.client.Do(req)
	if err != nil {
		return outcome{fault: c.faultOf(err)}
	}
	defer func() { _ = answer.Body.Close() }()
	// Read a little, so that the connection can be used again; not more.
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer)
	out := outcome{status: answer.StatusCode}
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return out
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		out.fault = fmt.Sprintf("answered %d: redirects are not followed", answer.StatusCode)
	case answer.StatusCode == http.StatusGone:
		out.gone = true
		fallthrough
	default:
		out.fault = fmt.Sprintf("answered %d", answer.StatusCode)
	}
	if s, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && s > 0 {
		out.after = min(time.Duration(min(s, int(maxAfter/time.Second)))*time.Second, maxAfter)
	}
	return out
}

// faultOf says why there was no answer: nothing of the address, which may hold
// a password, and nothing that the other side wrote.
func (c *Courier) faultOf(err error) string {
	var (
		dns     *net.DNSError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		timeout net.Error
	)
	switch {
	case errors.Is(err, errNotAllowed):
		return errNotAllowed.Error() + ": it is not public and in none of webhooks.networks"
	case errors.As(err, &dns):
		return "its name is not known"
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return "its certificate is not trusted"
	case errors.As(err, &record), errors.As(err, &alert):
		return "it does not speak TLS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no answer within %s", c.Timeout)
	}
	return "the connection failed"
}
