import { Component, type ReactNode } from 'react';
import { asRepotError, type RepotError } from '../../source/core/errors.js';
import type { Binding } from '../key-router.js';
import { blank, line } from '../lines.js';
import type { Place } from '../place.js';
import { useCanvas } from '../shell-context.js';
import { errorLines } from './error-panel.js';
import { Frame } from './frame.js';

interface ErrorBoundaryProps {
	readonly place: Place;
	readonly onQuit: () => void;
	readonly children: ReactNode;
}

interface ErrorBoundaryState {
	readonly error: RepotError | null;
}

/** A screen that breaks becomes a panel; choices and a running run are untouched, for neither lives in the screen. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, ErrorBoundaryState> {
	override state: ErrorBoundaryState = { error: null };

	static getDerivedStateFromError(thrown: unknown): ErrorBoundaryState {
		return { error: asRepotError(thrown) };
	}

	override render(): ReactNode {
		const { error } = this.state;
		if (error === null) return this.props.children;
		return <Broken place={this.props.place} error={error} onRetry={() => this.setState({ error: null })} onQuit={this.props.onQuit} />;
	}
}

interface BrokenProps {
	readonly place: Place;
	readonly error: RepotError;
	readonly onRetry: () => void;
	readonly onQuit: () => void;
}

function Broken({ place, error, onRetry, onQuit }: BrokenProps) {
	const { width } = useCanvas();
	const bindings: readonly Binding[] = [
		{ keys: ['r', 'enter'], label: 'r', does: 'draw it again', run: onRetry },
		{ keys: ['q'], label: 'q', does: 'quit', run: onQuit },
	];
	const body = [
		line({ text: 'This screen could not be drawn. What you chose is kept; a run in progress goes on.', tone: 'warn' }),
		blank,
		...errorLines(error.toJSON(), width),
	];
	return <Frame {...place} body={body} bindings={bindings} />;
}
