package streams

// NewVideoFrame makes a frame of an access unit. A key frame is an access unit
// with an IDR slice, of H.265 with an IRAP one; parameter sets are put before it
// where the camera sent them only in its SDP. It returns nil for an access unit
// with nothing to show or over MaxAccessUnit. PTS is the camera's own; the hub
// re-bases it.
func NewVideoFrame(desc *Desc, nalus [][]byte, pts int64) *Frame {
	size := 0
	for _, n := range nalus {
		size += len(n)
	}
	if size > MaxAccessUnit {
		return nil
	}
	f := &Frame{Kind: Video, PTS: pts, Desc: desc, pooled: true}
	f.holders.Store(1)
	var slice bool
	if desc.Video == H265 {
		f.Key, slice, nalus = completeH265(desc, nalus)
		if slice {
			f.Payloads = PacketizeH265(nalus)
		}
	} else {
		f.Key, slice, nalus = completeH264(desc, nalus)
		if slice {
			f.Payloads = Packetize(nalus)
		}
	}
	if !slice {
		return nil
	}
	for _, p := range f.Payloads {
		f.Size += len(p)
	}
	return f
}

// completeH264 looks for slices and puts missing parameter sets before a key
// frame.
func completeH264(desc *Desc, nalus [][]byte) (key, slice bool, _ [][]byte) {
	var sps, pps bool
	for _, n := range nalus {
		if len(n) == 0 {
			continue
		}
		switch t := n[0] & 0x1f; {
		case t == nalIDR:
			key, slice = true, true
		case t >= 1 && t <= 4:
			slice = true
		case t == nalSPS:
			sps = true
		case t == nalPPS:
			pps = true
		}
	}
	if key && !(sps && pps) && len(desc.SPS) > 0 && len(desc.PPS) > 0 {
		nalus = append([][]byte{desc.SPS, desc.PPS}, nalus...)
	}
	return key, slice, nalus
}

// completeH265 is the same for H.265 (7.4.2.2).
func completeH265(desc *Desc, nalus [][]byte) (key, slice bool, _ [][]byte) {
	var vps, sps, pps bool
	for _, n := range nalus {
		if len(n) < 3 {
			continue
		}
		switch t := typeH265(n); {
		case t >= h265FirstIRAP && t <= h265LastIRAP:
			key, slice = true, true
		case t <= h265LastSlice:
			slice = true
		case t == h265VPS:
			vps = true
		case t == h265SPS:
			sps = true
		case t == h265PPS:
			pps = true
		}
	}
	if key && !(vps && sps && pps) && len(desc.VPS) > 0 && len(desc.SPS) > 0 && len(desc.PPS) > 0 {
		nalus = append([][]byte{desc.VPS, desc.SPS, desc.PPS}, nalus...)
	}
	return key, slice, nalus
}

// NewAudioFrame makes a frame of one packet of G.711 or Opus, or nil where it is
// empty or does not fit a packet. Of AAC it takes one access unit.
func NewAudioFrame(desc *Desc, payload []byte, pts int64) *Frame {
	if len(payload) == 0 || len(payload) > MaxPayload && desc.Audio != AAC || len(payload) > maxAAC {
		return nil
	}
	p := append([]byte(nil), payload...)
	f := &Frame{Kind: Audio, PTS: pts, Size: len(p), Desc: desc}
	for len(p) > MaxPayload {
		f.Payloads = append(f.Payloads, p[:MaxPayload:MaxPayload])
		p = p[MaxPayload:]
	}
	f.Payloads = append(f.Payloads, p)
	return f
}

// maxAAC bounds an access unit of AAC: 6,144 bits a channel (ISO/IEC 14496-3
// 4.5.3), eight channels.
const maxAAC = 6144
