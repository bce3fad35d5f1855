import type { FoundCredentials } from '../core/credentials/find.js';
import type { CredentialNeeds } from '../core/credentials/needs.js';
import { RepotError } from '../core/errors.js';

/** One line of what is missing. `outside`: it was there to be found, and AWS or the target refused it. */
interface Line {
	readonly text: string;
	readonly outside: boolean;
}

const ofUrl = '--postgres-url URL (or REPOT_POSTGRES_URL): postgresql://USER@HOST/DATABASE or pglite:DIR';
const ofUser = '--user-id ID: the user that every row is given';

/**
 * All that is missing as one error: a single fault as it is, several with a line each. `answers`: of the settings. Exit code 2 when one of them
 * is a matter of settings, otherwise 8.
 */
export function missingError(answers: readonly string[], needs: CredentialNeeds | null, found: FoundCredentials | null): RepotError {
	const [only, ...others] = found?.errors ?? [];
	const isQuestion = needs !== null && only !== undefined && (only.code === 'NO_USER_ID' || nobodyNamedAws(needs, only));
	if (only !== undefined && others.length === 0 && answers.length === 0 && !isQuestion) return only;
	const lines = [
		...answers.map((text): Line => ({ text, outside: false })),
		...(needs === null || found === null ? [] : found.errors.flatMap((error) => linesOf(error, needs, found))),
	];
	const isOutside = lines.length > 0 && lines.every(({ outside }) => outside);
	const isFault = found?.errors.some(({ code }) => code !== 'NO_USER_ID' && code !== 'NO_AWS_CREDENTIALS') === true;
	const noun = isFault ? 'thing' : 'answer';
	return new RepotError({
		kind: isOutside ? 'aws' : 'usage',
		code: 'MISSING_ANSWER',
		message: lines.length === 1 ? `One ${noun} is missing` : `${lines.length} ${noun}s are missing`,
		next: [...lines.map(({ text }) => text), 'repot init writes them to repot.config.json once'],
	});
}

/** AWS would only have been asked because nothing else says it: then what is missing is an answer, and no fault of AWS. */
function nobodyNamedAws({ access, target, user, tokens }: CredentialNeeds, { code }: RepotError): boolean {
	if (code !== 'NO_AWS_CREDENTIALS' || access.profile !== null || tokens) return false;
	const isUrlByConvention = target.kind === 'given' || target.from === 'default';
	const isUserByConvention = user?.kind !== 'cognito' || user.usernameFrom === 'default';
	return isUrlByConvention && isUserByConvention;
}

function linesOf(error: RepotError, needs: CredentialNeeds, { target, tenant }: FoundCredentials): readonly Line[] {
	const { code, message, where, why, next, kind } = error;
	if (code === 'NO_USER_ID') return [{ text: why === undefined ? ofUser : `${ofUser} (${why})`, outside: false }];
	const reason = why === undefined ? '' : ` (${why})`;
	if (nobodyNamedAws(needs, error)) {
		// What hangs on the identity was not looked for: each of it is an answer that can be given.
		const user = needs.user?.kind === 'cognito' && tenant === null ? needs.user : null;
		return [
			...(target === null ? [{ text: `${ofUrl}; or AWS credentials to find it with${reason}`, outside: false }] : []),
			...(user === null ? [] : [{ text: `${ofUser}; or AWS credentials to ask Cognito pool ${user.pool}${reason}`, outside: false }]),
		];
	}
	const words = [message, where, why].filter((part) => part !== undefined).join(': ');
	return [{ text: next[0] === undefined ? words : `${words}; ${next[0]}`, outside: kind !== 'usage' }];
}
