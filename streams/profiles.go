package streams

// Profiles returns the status of each of a camera's streams, main first;
// nothing for a camera the fleet does not have.
func (f *Fleet) Profiles(camera string) []Status {
	var hubs []*Hub
	f.mu.Lock()
	for _, p := range []Profile{Main, Sub} {
		if s := f.streams[streamKey{camera, p}]; s != nil {
			hubs = append(hubs, s.hub)
		}
	}
	f.mu.Unlock()
	out := make([]Status, len(hubs))
	for i, h := range hubs {
		out[i] = h.Status()
	}
	return out
}

// Whole makes one status of those of a camera's streams: that of the main one,
// or of the sub stream where only that is pulled, with the readers of both.
func Whole(profiles []Status) Status {
	var st Status
	readers := 0
	for i, p := range profiles {
		if i == 0 || st.State == Idle && p.State != Idle {
			st = p
		}
		readers += p.Readers
	}
	st.Readers = readers
	return st
}
