package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"

	"sharpeyes/streams"
)

// failure is why a connection ended or never was, as the hub shows it.
type failure struct {
	state  streams.State
	reason streams.Reason
	detail string
	slow   bool // trying soon would do no good, or harm
}

// wrongLogin is the detail of a refusal that counts towards locking a login.
const wrongLogin = "the camera refuses the user name or password"

func (f failure) Error() string { return f.detail }

// What goes wrong on our side of the library.
var (
	errTooMuch   = errors.New("the camera sends too much before the picture")
	errMoved     = errors.New("the camera redirects to another host")
	errRedirects = errors.New("the camera redirects without end")
)

// failureOf sorts an error. connected says that the TCP connection stood.
func failureOf(err error, connected bool) failure {
	var own failure
	if errors.As(err, &own) {
		return own
	}
	if f, ok := refusalOf(err); ok {
		return f
	}
	if f, ok := networkFailureOf(err, connected); ok {
		return f
	}
	return failure{streams.Silent, streams.BadStream, "the camera's answer could not be understood", false}
}

// refusalOf sorts what the camera, or our own rules, refuse.
func refusalOf(err error) (failure, bool) {
	var status liberrors.ErrClientBadStatusCode
	var authSetup liberrors.ErrClientAuthSetup
	var scheme liberrors.ErrClientUnsupportedScheme
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, ErrNotAllowed):
		return failure{streams.Refused, streams.NotAllowed, "the camera's address is not in an allowed network", true}, true
	case errors.Is(err, errMoved):
		return failure{streams.Refused, streams.NotAllowed,
			"the camera redirects to another host, which is not followed; enter that address instead", true}, true
	case errors.Is(err, errRedirects):
		return failure{streams.Silent, streams.BadStream, "the camera redirects without end", false}, true
	case errors.Is(err, errTooMuch):
		return failure{streams.Silent, streams.BadStream, "the camera sends too much before the picture", false}, true
	case errors.As(err, &scheme):
		return badAddress(), true
	case errors.As(err, &certificate):
		return failure{streams.Refused, streams.NotAllowed, "the camera's TLS certificate is not trusted", true}, true
	case errors.As(err, &authSetup):
		return failure{streams.Refused, streams.SignInRefused,
			"the camera asks for a way to sign in that is not known; set it to digest", true}, true
	case errors.As(err, &status):
		return statusFailure(status.Code), true
	case errors.As(err, new(liberrors.ErrClientServerRequestedTCP)):
		return failure{streams.Refused, streams.BadStream, "the camera sends over TCP only", false}, true
	case errors.As(err, new(liberrors.ErrClientServerRequestedUDP)):
		return failure{streams.Refused, streams.BadStream, "the camera sends over UDP only", false}, true
	case errors.As(err, new(liberrors.ErrClientServerPortsNotProvided)):
		return failure{streams.Refused, streams.BadStream, "the camera names no UDP ports; use TCP", false}, true
	}
	return failure{}, false
}

// statusFailure sorts an RTSP status (RFC 2326 7.1.1).
func statusFailure(code base.StatusCode) failure {
	switch code {
	case base.StatusUnauthorized, base.StatusProxyAuthRequired,
		base.StatusConnectionAuthorizationRequired, base.StatusConnectionCredentialsNotAccepted:
		return failure{streams.Refused, streams.SignInRefused, wrongLogin, true}
	case base.StatusForbidden: // the login is right, but not for this
		return failure{streams.Refused, streams.SignInRefused, "the camera does not let this user see the stream", true}
	case base.StatusNotFound, base.StatusGone:
		return failure{streams.Refused, streams.NotFound, "the camera has no stream at this path", false}
	case base.StatusUnsupportedTransport:
		return failure{streams.Refused, streams.BadStream, "the camera does not offer this transport; change TCP to UDP or back", false}
	case base.StatusNotEnoughBandwidth, base.StatusServiceUnavailable:
		return failure{streams.Refused, streams.BadStream, "the camera is busy: too many connections to it", false}
	}
	return failure{streams.Refused, streams.BadStream, fmt.Sprintf("the camera answered with status %d", int(code)), false}
}

func networkFailureOf(err error, connected bool) (failure, bool) {
	var dns *net.DNSError
	var lost net.Error
	switch {
	case errors.As(err, &dns):
		return failure{streams.Unreachable, streams.NoRoute, "the camera's name is not known", false}, true
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure{streams.Unreachable, streams.ConnRefused, "nothing answers at the camera's port", false}, true
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTDOWN),
		errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EINVAL):
		return failure{streams.Unreachable, streams.NoRoute, "no way to the camera's address", false}, true
	case errors.As(err, new(liberrors.ErrClientTCPTimeout)), errors.As(err, new(liberrors.ErrClientUDPTimeout)):
		return noPicture(), true
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, new(liberrors.ErrClientRequestTimedOut)), errors.As(err, &lost) && lost.Timeout():
		if connected {
			return failure{streams.Silent, streams.Timeout, "the camera takes the connection but does not answer in time", false}, true
		}
		return failure{streams.Unreachable, streams.Timeout, "no answer from the camera's address", false}, true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return failure{streams.Silent, streams.ClosedByCamera, "the camera closed the connection", false}, true
	case !connected:
		return failure{streams.Unreachable, streams.NoRoute, "the camera's address could not be reached", false}, true
	}
	return failure{}, false
}

func noPicture() failure {
	return failure{streams.Silent, streams.NoData, "the camera is connected but sends no picture", false}
}

func noKeyFrame() failure {
	return failure{streams.Silent, streams.NoKeyFrame, "no key frame yet: the camera sends only changes of a picture", false}
}

func isStatus(err error) bool {
	return errors.As(err, new(liberrors.ErrClientBadStatusCode))
}

func badAddress() failure {
	return failure{streams.Refused, streams.NotAllowed, "the address is not one of the form rtsp://host:port/path", true}
}
