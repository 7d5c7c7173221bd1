package whep

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
	"github.com/pion/srtp/v3"
)

// keyring gathers what one viewer's DTLS handshake agrees on, so that its media
// can be sealed here and not packet by packet in pion (see wire.go). pion
// keeps the keys to itself; its key log and its ServerHello hook, together, say
// enough to derive ours a second time (RFC 5705, RFC 5764 4.2). What is heard
// stays in this struct and ends with the viewer.
type keyring struct {
	mu           sync.Mutex
	clientRandom []byte
	serverRandom []byte
	master       []byte
	profile      srtp.ProtectionProfile
	prf          func() hash.Hash
}

var errNoKeys = errors.New("the DTLS handshake told no keys")

// cipherSuitesOfSHA384 derive keys with SHA-384, all others with SHA-256
// (RFC 5289 3.2).
var cipherSuitesOfSHA384 = [...]dtls.CipherSuiteID{dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}

// Write takes a line of the key log: a label, the client's random, the master
// secret.
func (k *keyring) Write(line []byte) (int, error) {
	parts := strings.Fields(string(line))
	if len(parts) != 3 || parts[0] != "CLIENT_RANDOM" {
		return len(line), nil
	}
	random, err := hex.DecodeString(parts[1])
	if err != nil {
		return len(line), nil
	}
	master, err := hex.DecodeString(parts[2])
	if err != nil {
		return len(line), nil
	}
	k.mu.Lock()
	k.clientRandom, k.master = random, master
	k.mu.Unlock()
	return len(line), nil
}

// hello reads our ServerHello and sends it as it is.
func (k *keyring) hello(m handshake.MessageServerHello) handshake.Message {
	random := m.Random.MarshalFixed()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.serverRandom, k.prf = random[:], sha256.New
	for _, id := range cipherSuitesOfSHA384 {
		if m.CipherSuiteID != nil && *m.CipherSuiteID == uint16(id) {
			k.prf = sha512.New384
		}
	}
	for _, e := range m.Extensions {
		if use, ok := e.(*extension.UseSRTP); ok && len(use.ProtectionProfiles) > 0 {
			k.profile = srtp.ProtectionProfile(use.ProtectionProfiles[0])
		}
	}
	return &m
}

// derive makes what seals our packets, and what opens the viewer's SRTCP.
func (k *keyring) derive() (sealer, *srtp.Context, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.master == nil || k.serverRandom == nil {
		return nil, nil, errNoKeys
	}
	keyLen, err := k.profile.KeyLen()
	if err != nil {
		return nil, nil, err
	}
	saltLen, err := k.profile.SaltLen()
	if err != nil {
		return nil, nil, err
	}
	seed := append([]byte("EXTRACTOR-dtls_srtp"), k.clientRandom...)
	seed = append(seed, k.serverRandom...)
	m, err := prf.PHash(k.master, seed, 2*(keyLen+saltLen), k.prf)
	if err != nil {
		return nil, nil, fmt.Errorf("derive SRTP keys: %w", err)
	}
	clear(k.master)
	k.master = nil
	// Client key, server key, client salt, server salt (RFC 5764 4.2).
	keys, salts := m[:2*keyLen], m[2*keyLen:]
	theirs, err := srtp.CreateContext(keys[:keyLen], salts[:saltLen], k.profile, srtp.SRTCPReplayProtection(srtcpWindow))
	if err != nil {
		return nil, nil, fmt.Errorf("open SRTCP: %w", err)
	}
	ours, err := newSealer(k.profile, keys[keyLen:], salts[saltLen:])
	return ours, theirs, err
}

// srtcpWindow is how far behind the newest a packet of SRTCP may be.
const srtcpWindow = 64
