package faulty

import (
	"crypto/md5" // what RFC 2069 asks for, and what cameras speak
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	realm = "faulty"
	nonce = "5ca1ab1e"
)

// signedIn checks the digest of a request (RFC 2069 2.1.2), as RTSP takes it
// over. Without one it is asked for; a wrong one is counted, and enough of them
// lock everybody out, as real cameras do.
func (c *Conn) signedIn(method, uri string) bool {
	cam := c.Camera
	if cam.Username == "" {
		return true
	}
	given, ok := c.Header["authorization"]
	if !ok {
		c.challenge()
		return false
	}
	now := time.Now()
	cam.mu.Lock()
	locked := now.Before(cam.locked)
	right := !locked && digestOf(given)["response"] == cam.response(method, uri) && digestOf(given)["username"] == cam.Username
	if right {
		cam.wrong = nil
	} else {
		cam.refused = append(cam.refused, now)
		for len(cam.wrong) > 0 && now.Sub(cam.wrong[0]) > cam.LockFor {
			cam.wrong = cam.wrong[1:]
		}
		cam.wrong = append(cam.wrong, now)
		if cam.LockAfter > 0 && len(cam.wrong) >= cam.LockAfter {
			cam.locked = now.Add(cam.LockFor)
		}
	}
	cam.mu.Unlock()
	if !right {
		c.challenge()
	}
	return right
}

func (c *Conn) challenge() {
	c.Reply("401 Unauthorized", fmt.Sprintf("WWW-Authenticate: Digest realm=%q, nonce=%q\r\n", realm, nonce), "")
}

func (c *Camera) response(method, uri string) string {
	return digest(digest(c.Username+":"+realm+":"+c.Password) + ":" + nonce + ":" + digest(method+":"+uri))
}

func digest(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// digestOf reads the fields of an Authorization header.
func digestOf(header string) map[string]string {
	out := map[string]string{}
	_, list, _ := strings.Cut(header, " ")
	for _, f := range strings.Split(list, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(f), "=")
		out[k] = strings.Trim(v, `"`)
	}
	return out
}

// Refused is when wrong sign-ins came.
func (c *Camera) Refused() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.refused)
}

// Locked reports whether the camera lets nobody in after too many wrong sign-ins.
func (c *Camera) Locked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.locked)
}
