package camsim

import (
	"fmt"
	"math"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/g711"
)

const (
	audioRate    = 8000
	audioSamples = audioRate / ticksPerSecond // in one packet
)

// ambience is one second of quiet hum in G.711 A-law, a packet for each tick.
// Every partial has a whole number of periods in it, so it repeats without a click.
func ambience() ([][]byte, error) {
	partials := []struct{ hz, level float64 }{
		{50, 90}, {100, 160}, {150, 60}, {213, 40}, {307, 30}, {431, 18}, {613, 12}, {997, 6},
	}
	pcm := make([]byte, 0, 2*audioRate)
	for i := range audioRate {
		t := float64(i) / audioRate
		v := 0.0
		for j, p := range partials {
			swell := 1 + 0.3*math.Sin(2*math.Pi*(t*float64(1+j%3)+float64(j)/7))
			v += p.level * swell * math.Sin(2*math.Pi*(p.hz*t+float64(j)/5))
		}
		s := uint16(int16(v))
		pcm = append(pcm, byte(s>>8), byte(s))
	}
	enc, err := g711.Alaw(pcm).Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode ambience: %w", err)
	}
	packets := make([][]byte, 0, ticksPerSecond)
	for ; len(enc) > 0; enc = enc[audioSamples:] {
		packets = append(packets, enc[:audioSamples])
	}
	return packets, nil
}
