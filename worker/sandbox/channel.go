package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// Largest policy: arguments and environment of a program are at most 2 MiB each.
const maxPolicyBytes = 8 << 20

type started struct {
	Event    string   `json:"event"`
	Pid      int      `json:"pid"`
	Enforced Enforced `json:"enforced"`
}

type failed struct {
	Event   string `json:"event"`
	Step    string `json:"step"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func readLine(reader *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		part, isPrefix, err := reader.ReadLine()
		if err != nil {
			return nil, err
		}
		text = append(text, part...)
		if len(text) > maxPolicyBytes {
			return nil, fmt.Errorf("longer than %d bytes", maxPolicyBytes)
		}
		if !isPrefix {
			return text, nil
		}
	}
}

func readReports(file *os.File, into chan<- stageReport) {
	defer close(into)
	decoder := json.NewDecoder(file)
	for {
		var one stageReport
		if decoder.Decode(&one) != nil {
			return
		}
		into <- one
	}
}

// readOrders passes on the names of signals; it closes the channel when nobody is there to send any.
func readOrders(reader *bufio.Reader, into chan<- string) {
	defer close(into)
	for {
		text, err := readLine(reader)
		if err != nil {
			return
		}
		var order struct {
			Signal string `json:"signal"`
		}
		if json.Unmarshal(text, &order) == nil {
			into <- order.Signal
		}
	}
}
